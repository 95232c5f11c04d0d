"""One function per email that accounts sends."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone

from accounts import tokens
from accounts.models import EmailChange, User
from emails.models import OutboundEmail
from emails.services import send_or_discard_templated_email, send_templated_email

Send = Callable[..., None]
LAST_KIND = "deletion_notice"  # the email that survives the erasure of a person's emails


# Idempotency keys: of all emails with the same key, only the first is queued


def welcome_key(user: User) -> str:
    return f"welcome:{user.pk}"


def already_registered_key(user: User | None) -> str:
    """One key per day, so that nobody can fill the owner's inbox by signing up again and again."""
    return f"already_registered:{user.pk if user else None}:{timezone.now().date()}"


# With `discard`, these do the same work and send nothing, for an email address without an account. Call them inside a
# transaction.


def send_welcome_email(user: User) -> None:
    """Welcome a new user, once. The email holds the confirmation link if the email address is not confirmed yet.

    If it is withheld, it expires before it can be sent. This costs as much, and staff see what happened.
    """
    _send_welcome(user, idempotency_key=welcome_key(user), is_withheld=user.is_welcome_withheld)


def resend_welcome_email(user: User, *, discard: bool) -> None:
    """Send the welcome email with a new link, as often as the user requests it."""
    _send_welcome(user, send=partial(send_or_discard_templated_email, discard=discard))


def _send_welcome(
    user: User, *, idempotency_key: str | None = None, is_withheld: bool = False, send: Send = send_templated_email
) -> None:
    token = "" if user.is_email_verified else tokens.make_email_verification_token(user)
    confirm_url = _link("verify-email", token=token) if token else ""
    context = {"dashboard_url": _link("dashboard"), "confirm_url": confirm_url}
    _send(
        user,
        "welcome",
        context,
        sensitive=bool(confirm_url),
        idempotency_key=idempotency_key,
        expires_at=timezone.now() if is_withheld else None,
        send=send,
    )


def is_notified_today(user: User | None) -> bool:
    """Return whether the user got an already_registered email today. Without a user, costs the same query."""
    return OutboundEmail.objects.filter(idempotency_key=already_registered_key(user)).exists()


def send_already_registered_email(user: User, *, discard: bool) -> None:
    """Send the owner of an email address a notice that someone signed up with it again, at most once a day.

    The email repeats nothing of that sign-up. Otherwise, strangers could send their own text to the owner.
    """
    context = {"login_url": _link("login"), "reset_url": _link("forgot-password")}
    send = partial(send_or_discard_templated_email, discard=discard)
    _send(user, "already_registered", context, idempotency_key=already_registered_key(user), send=send)


def send_password_reset_email(user: User, *, discard: bool = False) -> None:
    context = {"reset_url": _link("reset-password", token=tokens.make_password_reset_token(user))}
    # If delivery is delayed until the link no longer works, the email isn't sent at all.
    expires_at = timezone.now() + tokens.PASSWORD_RESET_LIFE
    send = partial(send_or_discard_templated_email, discard=discard)
    _send(user, "password_reset", context, expires_at=expires_at, sensitive=True, send=send)


def send_password_changed_email(user: User, at: datetime) -> None:
    _send(user, "password_changed", {"changed_at": at, "reset_url": _link("forgot-password")})


def send_email_change_email(user: User, new_address: str, *, discard: bool = False) -> None:
    """Send the link that completes the change to the new address."""
    confirm_url = _link("confirm-email-change", token=tokens.make_email_change_token(user, new_address))
    context = {"old_address": user.email, "confirm_url": confirm_url}
    expires_at = timezone.now() + tokens.EMAIL_CHANGE_LIFE
    send = partial(send_or_discard_templated_email, discard=discard)  # costs as much as send_already_registered_email
    _send(user, "email_change", context, to=new_address, expires_at=expires_at, sensitive=True, send=send)


def send_email_changed_notice(change: EmailChange) -> None:
    """Send the link that undoes the change to the old address."""
    undo_url = _link("undo-email-change", token=tokens.make_email_undo_token(change))
    context = {"new_address": change.new_address, "changed_at": change.at, "undo_url": undo_url}
    expires_at = change.at + tokens.EMAIL_UNDO_LIFE
    _send(change.user, "email_changed_notice", context, to=change.old_address, expires_at=expires_at, sensitive=True)


def send_deletion_notice(user: User, at: datetime) -> None:
    """Send the last email to this person. It is sensitive so that its body is erased once it is sent."""
    _send(user, LAST_KIND, {"deleted_at": at}, sensitive=True)


def _send(
    user: User,
    kind: str,
    context: Mapping[str, object],
    *,
    to: str | None = None,
    idempotency_key: str | None = None,
    expires_at: datetime | None = None,
    sensitive: bool = False,
    send: Send = send_templated_email,
) -> None:
    """Send an email in the user's language, by default to the user. Takes the arguments of send_templated_email."""
    send(
        kind=kind,
        to=to or user.email,
        context={"name": user.name, **context},
        language=user.language,
        idempotency_key=idempotency_key,
        expires_at=expires_at,
        sensitive=sensitive,
        metadata={"user_id": str(user.pk)},  # emails/privacy.py finds, exports, and erases emails by it
    )


def _link(page: str, **query: str) -> str:
    separator = "?" if query else ""
    # Signed tokens contain colons. Unescaped, they keep the link short and easy to copy from plain text.
    return f"{settings.APP_URL}/{page}{separator}{urlencode(query, safe=':')}"
