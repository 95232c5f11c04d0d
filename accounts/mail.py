"""One function per email that accounts sends."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict
from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone

from accounts import tokens
from accounts.models import EmailChange, User
from emails.services import queue_and_roll_back_templated_email, send_templated_email

LAST_KIND = "deletion_notice"


class TemplatedMail(TypedDict):
    """What both doors of emails take."""

    kind: str
    to: str
    context: Mapping[str, object]
    language: str
    expires_at: datetime | None
    sensitive: bool
    metadata: Mapping[str, str]


def send_welcome_email(user: User) -> None:
    """Greet a new user once; while the address is unconfirmed, with the link that confirms it."""
    send_templated_email(**_welcome(user), idempotency_key=f"welcome:{user.pk}")


def resend_welcome_email(user: User) -> None:
    """The welcome mail with a fresh link, as often as it is asked for."""
    send_templated_email(**_welcome(user))


def queue_and_roll_back_welcome_email(user: User) -> None:
    """For a user who does not exist: the same work, and no mail."""
    queue_and_roll_back_templated_email(**_welcome(user))


def _welcome(user: User) -> TemplatedMail:
    token = "" if user.is_email_verified else tokens.make_email_verification_token(user)
    confirm_url = _link("verify-email", token=token) if token else ""
    return {
        "kind": "welcome",
        "to": user.email,
        "context": {"name": user.name, "dashboard_url": _link("dashboard"), "confirm_url": confirm_url},
        "language": user.language,
        "expires_at": None,
        "sensitive": bool(confirm_url),
        "metadata": {"user_id": str(user.pk)},
    }


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


def send_password_reset_email(user: User) -> None:
    send_templated_email(**_password_reset(user))


def queue_and_roll_back_password_reset_email(user: User) -> None:
    """For a user who does not exist: the same work, and no mail."""
    queue_and_roll_back_templated_email(**_password_reset(user))


def _password_reset(user: User) -> TemplatedMail:
    return {
        "kind": "password_reset",
        "to": user.email,
        "context": {
            "name": user.name,
            "reset_url": _link("reset-password", token=tokens.make_password_reset_token(user)),
        },
        "language": user.language,
        "expires_at": timezone.now() + tokens.PASSWORD_RESET_LIFE,
        "sensitive": True,
        "metadata": {"user_id": str(user.pk)},
    }


def send_password_changed_email(user: User, at: datetime) -> None:
    send_templated_email(
        kind="password_changed",
        to=user.email,
        context={"name": user.name, "changed_at": at, "reset_url": _link("forgot-password")},
        language=user.language,
        metadata={"user_id": str(user.pk)},
    )


def send_email_change_email(user: User, new_address: str) -> None:
    """To the new address, with the link that makes it the address of the account."""
    confirm_url = _link("confirm-email-change", token=tokens.make_email_change_token(user, new_address))
    send_templated_email(
        kind="email_change",
        to=new_address,
        context={"name": user.name, "old_address": user.email, "confirm_url": confirm_url},
        language=user.language,
        expires_at=timezone.now() + tokens.EMAIL_CHANGE_LIFE,
        sensitive=True,
        metadata={"user_id": str(user.pk)},
    )


def send_email_changed_notice(change: EmailChange) -> None:
    """To the old address, with the link that undoes the change."""
    send_templated_email(
        kind="email_changed_notice",
        to=change.old_address,
        context={
            "name": change.user.name,
            "new_address": change.new_address,
            "changed_at": change.at,
            "undo_url": _link("undo-email-change", token=tokens.make_email_undo_token(change)),
        },
        language=change.user.language,
        expires_at=change.at + tokens.EMAIL_UNDO_LIFE,
        sensitive=True,
        metadata={"user_id": str(change.user.pk)},
    )


def send_deletion_notice(user: User, at: datetime) -> None:
    """The last mail to this person. Sensitive, so that its body goes when it is sent."""
    send_templated_email(
        kind=LAST_KIND,
        to=user.email,
        context={"name": user.name, "deleted_at": at},
        language=user.language,
        sensitive=True,
        metadata={"user_id": str(user.pk)},
    )


def _link(page: str, **query: str) -> str:
    question = "?" if query else ""
    return f"{settings.APP_URL}/{page}{question}{urlencode(query, safe=':')}"
