"""Signal receivers. They run for every change, whether it comes from the API, a page, the admin, or a shell."""

from typing import Any

from django.http import HttpRequest
from knox.models import AuthToken

from accounts import services, staff_sessions
from accounts.client_info import Client
from accounts.mail import send_welcome_email
from accounts.models import User
from accounts.services import contacts, devices


def welcome_new_user(sender: type[User], instance: User, created: bool, raw: bool, **_: Any) -> None:
    """Send the welcome email and sync the contact; skips fixtures (raw), whose users were welcomed long ago."""
    if created and not raw:
        send_welcome_email(instance)
        contacts.subscribe(instance)


def end_access_after_new_password(
    sender: type[User], instance: User, created: bool, raw: bool, update_fields: frozenset[str] | None = None, **_: Any
) -> None:
    """Log out all devices and send the password_changed email after ``set_password()`` and ``save()``.

    That is how the admin, ``manage.py changepassword``, and third-party apps set a password. The services use UPDATE.
    """
    # Django keeps the new password here until it is stored, also for the validators' password_changed().
    is_new = getattr(instance, "_password", None) is not None and (update_fields is None or "password" in update_fields)
    if is_new and not created and not raw:
        services.end_access_after_new_password(user=instance)


def record_login(
    sender: type[User], request: HttpRequest, user: User, token: AuthToken | None = None, **_: Any
) -> None:
    """`token` is set if an API client logs in, and missing for a browser."""
    if token is None:
        staff_sessions.begin(request.session)
    devices.record_login(user=user, client=Client.of(request), session=request.session, token=token)


def record_logout(sender: type[User], request: HttpRequest, token: AuthToken | None = None, **_: Any) -> None:
    if token is None:  # otherwise, the login has ended with its token
        devices.record_logout(session_key=request.session.session_key)
