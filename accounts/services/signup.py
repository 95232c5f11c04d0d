"""Sign-up and confirmation of the email address."""

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import get_language, gettext_lazy

from accounts.client_info import Requester
from accounts.errors import TokenInvalid, WrongPassword
from accounts.mail import is_notified_today, resend_welcome_email, send_already_registered_email
from accounts.models import User, default_language
from accounts.services import contacts
from accounts.services.email_quotas import is_over_quota
from accounts.tokens import read_email_verification_token

WRONG_SIGN_UP_PASSWORD = gettext_lazy("This isn't the password you signed up with.")


def register_user(*, email: str, name: str, password: str, requester: Requester | None = None) -> None:
    """Create a user, or send the owner of the email address an email if it already has an account.

    The caller can't tell which, not even from the time this takes: both cases hash a password, execute as many
    statements, and insert rows. The user gets the language that is active now. If the address is over its quota, no
    email is sent; the new user can request the link later.
    """
    user = User(email=email, name=name, language=_active_language())
    user.set_password(password)  # slow by design, so before the transaction, which locks SQLite
    with transaction.atomic():
        user.is_welcome_withheld = is_refused = is_over_quota(email, requester)
        # Locked, so that nothing is sent to an account that is being deleted.
        owner = User.objects.select_for_update().filter(email=email).first()
        is_notified = is_notified_today(owner)
        try:
            if owner is None:
                user.save()  # in a savepoint; post_save queues the welcome email (accounts/signals.py)
            else:
                with transaction.atomic():  # a savepoint, because the other case has one
                    send_already_registered_email(owner, discard=is_notified or is_refused)
        except IntegrityError:  # another request with the same email address was faster
            owner = User.objects.filter(email=email).first()
            if owner is None:  # deleted in the meantime, so the address is free
                user.save()
            else:
                send_already_registered_email(owner, discard=is_refused)


@transaction.atomic
def resend_verification(*, email: str, requester: Requester | None = None) -> None:
    """Send the confirmation link again, if the email address has an unconfirmed account and isn't over its quota.

    The caller can't tell whether it does, not even from the time this takes.
    """
    is_refused = is_over_quota(email, requester)
    # Locked, so that the last of several requests sends the link that stays valid.
    unconfirmed = User.objects.select_for_update().filter(email=email, email_verified_at=None, is_active=True)
    user = unconfirmed.first()
    resend_welcome_email(user or User(email=email), discard=user is None or is_refused)


def prove_sign_up(*, token: str, password: str) -> User:
    """Return the user who signed up with the email address that the token confirms.

    The password proves that the person who opens the link is the one who signed up. Otherwise, the owner of an address
    could confirm an account that a stranger created with it. Raises TokenInvalid, TokenExpired, or WrongPassword.
    """
    user = read_email_verification_token(token)
    if not user.has_password(password):
        raise WrongPassword(WRONG_SIGN_UP_PASSWORD)
    return user


def confirm_address(*, user: User) -> None:
    """Mark the email address as confirmed. Call it in a transaction. Raises TokenInvalid if it is already confirmed."""
    if not user.confirm_email():
        raise TokenInvalid
    contacts.subscribe(user)


def _active_language() -> str:
    language = get_language() or ""
    return language if language in dict(settings.LANGUAGES) else default_language()
