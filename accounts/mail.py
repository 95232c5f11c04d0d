"""One function per email that accounts sends."""

from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from accounts.tokens import make_email_verification_token
from emails.services import send_templated_email


def send_welcome_email(user: User) -> None:
    """Greet a new user once; while the address is unconfirmed, with the link that confirms it."""
    confirm_url = "" if user.is_email_verified else _link("verify-email", token=make_email_verification_token(user))
    send_templated_email(
        kind="welcome",
        to=user.email,
        context={"name": user.name, "dashboard_url": _link("dashboard"), "confirm_url": confirm_url},
        language=user.language,
        idempotency_key=f"welcome:{user.pk}",
        sensitive=bool(confirm_url),
        metadata={"user_id": str(user.pk)},
    )


def send_already_registered_email(user: User) -> None:
    """Tell the owner of an address that somebody signed up with it again; at most once a day.

    Says nothing of what was typed: the form would otherwise carry a stranger's words into the owner's inbox.
    """
    send_templated_email(
        kind="already_registered",
        to=user.email,
        context={"name": user.name, "login_url": _link("login"), "reset_url": _link("forgot-password")},
        language=user.language,
        idempotency_key=f"already_registered:{user.pk}:{timezone.now().date()}",
        metadata={"user_id": str(user.pk)},
    )


def _link(page: str, **query: str) -> str:
    question = "?" if query else ""
    return f"{settings.APP_URL}/{page}{question}{urlencode(query, safe=':')}"
