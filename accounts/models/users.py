"""Users, who log in with their email address."""

import unicodedata
from collections.abc import Collection, Iterator
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.hashers import (
    check_password,
    identify_hasher,
    make_password,
    must_update_salt,
    verify_password,
)
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models.fields import EmailAddressField
from accounts.validators import NAME_MAX_LENGTH, validate_name


def default_language() -> str:
    # A function, because the migration then refers to its name and not to the current value.
    return settings.LANGUAGE_CODE


def password_forms(password: str) -> list[str]:
    """Return the password in the form that is hashed, followed by other forms that could have been hashed before.

    Keyboards and systems encode the same letter differently, such as ü as one character or as two. NIST SP 800-63B says
    to normalize passwords before hashing.
    """
    forms = [unicodedata.normalize(form, password) for form in ("NFKC", "NFC", "NFD", "NFKD")]
    return [*dict.fromkeys([forms[0], password, *forms[1:]])]


class UserManager(BaseUserManager["User"]):
    def lock(self, pk: int) -> "User | None":
        """Return the user and lock the row until the transaction ends, or None if the user has been deleted."""
        return self.select_for_update().filter(pk=pk).first()

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user with this email address in any spelling. Raises User.DoesNotExist."""
        return self.get(email=username)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user, who gets the welcome email. Without a password, nobody can log in until one is set."""
        if not email:
            raise ValueError("A user must have an email address.")
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user with all permissions. The email address counts as confirmed, because operators are trusted."""
        fields = {"email_verified_at": timezone.now(), **fields, "is_staff": True, "is_superuser": True}
        return self.create_user(email, password, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    email = EmailAddressField(
        "email address", unique=True, error_messages={"unique": "A user with this email address already exists."}
    )
    name = models.CharField(max_length=NAME_MAX_LENGTH, blank=True, validators=[validate_name])
    # Without `choices`, which would make every change of LANGUAGES a migration.
    language = models.CharField(max_length=10, default=default_language)
    email_verified_at = models.DateTimeField(
        "email verified", null=True, blank=True, help_text="When the user confirmed this email address."
    )
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    is_active = models.BooleanField(
        "active", default=True, help_text="To lock a user out, clear this instead of deleting the user."
    )
    is_staff = models.BooleanField("staff", default=False, help_text="May log in to the admin.")

    session_generation = models.PositiveIntegerField(
        default=0, editable=False, help_text="Incremented to end all browser sessions."
    )

    is_welcome_withheld = False  # in memory only: whether the address of a new user must get no email now

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []  # createsuperuser always asks for USERNAME_FIELD and the password

    class Meta:
        ordering = ["-date_joined"]
        permissions = [("email_user", "Can write an email to a user")]
        indexes = [
            models.Index(
                fields=["date_joined", "id"],
                condition=models.Q(email_verified_at__isnull=True, last_login__isnull=True),
                name="user_unconfirmed",
            ),
            models.Index(fields=["date_joined", "id"], name="user_joined"),  # the order of the admin's list
        ]
        constraints = [
            # For rows that are written without EmailAddressField, which makes `unique=True` ignore case.
            models.UniqueConstraint(
                Lower("email"),
                name="accounts_user_email_unique",
            )
        ]

    def __str__(self) -> str:
        return self.get_username()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save in one transaction with what signal receivers write, so that no user lacks the welcome email."""
        with transaction.atomic(using=kwargs.get("using")):
            super().save(*args, **kwargs)

    def check_password(self, raw_password: str | None) -> bool:
        """Return whether the password is right. If its hash is outdated, it is hashed again with today's parameters.

        Django's authentication calls this at every login. Everything else calls has_password, which changes nothing.
        """
        stored = self.password
        forms = [raw_password] if raw_password is None else password_forms(raw_password)
        for form in forms:
            is_right, is_outdated = verify_password(form, stored)
            if is_right:
                is_outdated = is_outdated or form != forms[0]
                break
        if is_outdated:
            # After a wrong password as well, so that it takes as long. The salt stays, so that two logins at the same
            # time compute the same hash, and neither ends the session of the other.
            renewed = make_password(forms[0], _salt(stored))
            if is_right and self._renew_hash(stored, renewed):
                self.password = renewed
        return is_right

    def has_password(self, raw_password: str) -> bool:
        return any(check_password(form, self.password) for form in password_forms(raw_password))

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(password_forms(raw_password)[0] if isinstance(raw_password, str) else raw_password)

    def _renew_hash(self, stored: str, renewed: str) -> bool:
        """Store the renewed hash, and keep sessions alive; returns whether it is stored now."""
        # A password that was changed in the meantime stays. The session of this login then ends immediately.
        if not User.objects.filter(pk=self.pk, password=stored).update(password=renewed):
            return User.objects.filter(pk=self.pk, password=renewed).exists()
        old_session_hash, self.password = self.get_session_auth_hash(), renewed
        self.logins.replace_session_hash(old_session_hash, self.get_session_auth_hash())
        return True

    def get_session_auth_hash(self) -> str:
        """Return the hash that sessions must match. A new password or session_generation ends all sessions."""
        return self._session_auth_hash(settings.SECRET_KEY)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        # Without these, rotating SECRET_KEY would log everybody out.
        return map(self._session_auth_hash, settings.SECRET_KEY_FALLBACKS)

    def _session_auth_hash(self, secret: str | bytes) -> str:
        # Django's own hash contains only the password. The generation ends sessions without a new password.
        state = f"{self.session_generation}:{self.password}"
        return salted_hmac("accounts.session", state, secret=secret, algorithm="sha256").hexdigest()

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Skip the constraint on the email address, because `unique=True` reports the same error next to the field."""
        super().validate_constraints({*(exclude or ()), "email"})

    def confirm_email(self) -> bool:
        """Mark the email address as confirmed; returns False if it already is."""
        self.email_verified_at = timezone.now()
        # Of two requests with the same link, only one still finds the address unconfirmed. Nor must a link confirm an
        # address that has been changed since this user was read.
        unconfirmed = User.objects.filter(pk=self.pk, email=self.email, email_verified_at=None)
        return unconfirmed.update(email_verified_at=self.email_verified_at) == 1

    @property
    def is_privileged(self) -> bool:
        """Whether the account has rights that ordinary accounts lack, so that only superusers may change it."""
        return self.is_staff or self.is_superuser or self.groups.exists() or self.user_permissions.exists()

    @property
    def is_email_verified(self) -> bool:
        return self.email_verified_at is not None


def _salt(encoded: str) -> str | None:
    """Return the salt of a hash, or None if it is too short for a new one."""
    hasher = identify_hasher(encoded)
    salt = str(hasher.decode(encoded)["salt"])
    return None if must_update_salt(salt, hasher.salt_entropy) else salt
