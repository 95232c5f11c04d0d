"""Becoming a user, and proving the address."""

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import get_language, gettext_lazy

from accounts.errors import TokenInvalid, WrongPassword
from accounts.mail import rehearse_confirmation, send_already_registered_email, send_confirmation_again
from accounts.models import User, default_language
from accounts.tokens import read_email_verification_token

NOT_THE_PASSWORD_OF_THE_SIGN_UP = gettext_lazy("This isn't the password you signed up with.")


def register_user(*, email: str, name: str, password: str) -> None:
    """Create a user, or tell the owner of the address that it has an account: the caller cannot tell which.

    Both ways hash a password, try the same insert and queue one mail, so that the clock does not tell either. The
    language in which the person was answered becomes theirs.
    """
    user = User(email=email, name=name, language=_language_of_the_request())
    user.set_password(password)  # outside of the transaction: it takes longer than all the rest, and SQLite is locked
    with transaction.atomic():
        try:
            user.save()  # in a savepoint of its own
        except IntegrityError:
            send_already_registered_email(User.objects.get_by_natural_key(email))


@transaction.atomic
def resend_verification(*, email: str) -> None:
    """Send the link that confirms the address once more, if there is something to confirm; the caller cannot tell."""
    user = User.objects.filter(email=email, email_verified_at=None, is_active=True).first()
    if user is None:
        rehearse_confirmation(User(email=email))
        return
    with transaction.atomic():
        send_confirmation_again(user)


def confirm_address(*, token: str, password: str) -> User:
    """Raises TokenInvalid, TokenExpired or WrongPassword.

    The password proves that whoever opens the mail is the one who signed up: a stranger may have registered somebody
    else's address with a password of his own.
    """
    user = read_email_verification_token(token)
    if not user.check_password(password):
        raise WrongPassword(NOT_THE_PASSWORD_OF_THE_SIGN_UP)
    if not user.confirm_email():
        raise TokenInvalid
    return user


def _language_of_the_request() -> str:
    language = get_language() or ""
    return language if language in dict(settings.LANGUAGES) else default_language()
