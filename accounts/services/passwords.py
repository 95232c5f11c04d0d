"""Resets and changes of the password."""

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from knox.models import AuthToken

from accounts.client_info import Requester
from accounts.errors import FieldRefused, TokenInvalid, WrongPassword
from accounts.mail import send_password_changed_email, send_password_reset_email
from accounts.models import User
from accounts.models.users import password_forms
from accounts.services import contacts
from accounts.services.devices import keep_session, log_out_elsewhere, log_out_everywhere
from accounts.services.email_quotas import is_over_quota
from accounts.services.profile import announce_name
from accounts.tokens import read_password_reset_token


@transaction.atomic
def request_password_reset(*, email: str, requester: Requester | None = None) -> None:
    """Send a link to set a new password, if the email address has an account and isn't over its quota.

    The caller can't tell whether it has one, not even from the time this takes: without an account, the email is
    rendered and stored too, and then deleted.
    """
    is_refused = is_over_quota(email, requester)
    # Locked, so that the last of several requests sends the link that stays valid.
    user = User.objects.select_for_update().filter(email=email, is_active=True).first()
    send_password_reset_email(user or User(email=email), discard=user is None or is_refused)


def reset_password(*, token: str, password: str) -> User:
    """Set a new password; returns the user. Raises TokenInvalid, TokenExpired, or FieldRefused if it is too weak."""
    user = read_password_reset_token(token)
    check_new_password(password, user, field="password")
    # Of two requests with the same link, only one still finds the old password.
    unused = User.objects.filter(pk=user.pk, password=user.password, email=user.email, is_active=True)
    user.set_password(password)  # slow by design, so before the transaction, which locks SQLite
    with transaction.atomic():
        if not unused.update(password=user.password):
            raise TokenInvalid
        if user.confirm_email():  # the link proves that the person reads this inbox
            # Somebody else may have signed up with this address. The owner enters their own name.
            user.name = ""
            User.objects.filter(pk=user.pk).update(name="")
            announce_name(user)
            contacts.subscribe(user)
        end_access_after_new_password(user=user)
    user.refresh_from_db()  # the device cookie will contain the stored session_generation
    return user


def change_password(
    *, user: User, password: str, new_password: str, session: SessionBase, token: AuthToken | None = None
) -> None:
    """Replace the password, and log out all other devices. Raises WrongPassword, or FieldRefused if it is too weak."""
    if not user.has_password(password):
        raise WrongPassword
    check_new_password(new_password, user, field="new_password")
    unchanged = User.objects.filter(pk=user.pk, password=user.password)  # of two requests, only one still matches
    user.set_password(new_password)
    with transaction.atomic():
        if not unchanged.update(password=user.password):
            raise WrongPassword
        if session.get(SESSION_KEY) == str(user.pk):
            keep_session(session=session, user=user)
        log_out_elsewhere(user=user, session_key=session.session_key, token=token)
        send_password_changed_email(user, timezone.now())


@transaction.atomic
def end_access_after_new_password(*, user: User) -> None:
    """Log the user out everywhere and send the password_changed email, after someone else has set the password."""
    log_out_everywhere(user=user)
    send_password_changed_email(user, timezone.now())


def check_new_password(password: str, user: User, *, field: str) -> None:
    """Raise FieldRefused with everything that is wrong with this password for this user."""
    try:
        validate_password(password_forms(password)[0], user)
    except ValidationError as error:
        raise FieldRefused(field, error.messages) from None
