"""Sign-up and confirmation of the email address."""

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import get_language, gettext_lazy

from accounts.errors import TokenInvalid, WrongPassword
from accounts.mail import queue_and_roll_back_welcome_email, resend_welcome_email, send_already_registered_email
from accounts.models import User, default_language
from accounts.tokens import read_email_verification_token

WRONG_SIGN_UP_PASSWORD = gettext_lazy("This isn't the password you signed up with.")


def register_user(*, email: str, name: str, password: str) -> None:
    """Create a user, or send the owner of the email address an email if it already has an account.

    The caller can't tell which, not even from the time this takes: both cases hash a password, attempt the same
    insert, and queue one email. The user gets the language that is active now.
    """
    user = User(email=email, name=name, language=_active_language())
    user.set_password(password)  # slow by design, so before the transaction, which locks SQLite
    with transaction.atomic():
        try:
            # In a savepoint (User.save), so that this transaction survives an IntegrityError.
            user.save()  # post_save queues the welcome email (accounts/signals.py)
        except IntegrityError:
            owner = User.objects.filter(email=email).first()
            if owner is None:  # deleted in the meantime, so the address is free
                user.save()
            else:
                send_already_registered_email(owner)


@transaction.atomic
def resend_verification(*, email: str) -> None:
    """Send the confirmation link again, if the email address belongs to an unconfirmed account.

    The caller can't tell whether it does, not even from the time this takes.
    """
    # Locked, so that of several requests the last one sends the link that stays valid.
    unconfirmed = User.objects.select_for_update().filter(email=email, email_verified_at=None, is_active=True)
    user = unconfirmed.first()
    if user is None:
        queue_and_roll_back_welcome_email(User(email=email))
        return
    with transaction.atomic():  # a savepoint, because the other case has one and both must take the same time
        resend_welcome_email(user)


def confirm_address(*, token: str, password: str) -> User:
    """Mark the email address as confirmed; returns the user.

    The password proves that the person who opens the link is the one who signed up. Otherwise, the owner of an address
    could confirm an account that a stranger created with it. Raises TokenInvalid, TokenExpired, or WrongPassword.
    """
    user = read_email_verification_token(token)
    if not user.check_password(password):
        raise WrongPassword(WRONG_SIGN_UP_PASSWORD)
    if not user.confirm_email():
        raise TokenInvalid
    return user


def _active_language() -> str:
    language = get_language() or ""
    return language if language in dict(settings.LANGUAGES) else default_language()
