"""One function per email that accounts sends."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import formataddr, parseaddr
from functools import partial
from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone

from accounts import tokens
from accounts.models import EmailChange, Purpose, User
from accounts.validators import is_valid_name
from emails.models import OutboundEmail
from emails.services import queue_templated_email, send_or_discard_templated_email

Send = Callable[..., bool]
STAFF_MESSAGE = "staff_message"
BLANK_LINES = re.compile(r"\n\s*\n")
LAST_KIND = "deletion_notice"  # the email that survives the erasure of a person's emails


# A new link ends the older ones of its purpose. If its email isn't queued, for example because the recipient has had
# enough emails today, the older ones keep working. All functions must be called in a transaction.

# Idempotency keys: of all emails with the same key, only the first is queued


def welcome_key(user: User) -> str:
    return f"welcome:{user.pk}"


def already_registered_key(user: User | None) -> str:
    """One key per day, so that nobody can fill the owner's inbox by signing up again and again."""
    return f"already_registered:{user.pk if user else None}:{timezone.now().date()}"


def staff_message_key(form: str) -> str:
    """One key for each form that a member of staff submits, so that a double click sends one email."""
    return f"staff_message:{form}"


# With `discard`, these do the same work and send nothing, for an email address without an account. Call them inside a
# transaction.


def send_welcome_email(user: User) -> None:
    """Welcome a new user, once. The email holds the confirmation link if the email address is not confirmed yet.

    If it is withheld, it expires before it can be sent. This costs as much, and staff see what happened.
    """
    _send_welcome(user, idempotency_key=welcome_key(user), is_withheld=user.is_welcome_withheld)


def resend_welcome_email(user: User, *, discard: bool = False) -> None:
    """Send the welcome email with a new link, as often as the user requests it."""
    link_id = tokens.new_link_id()
    send = partial(send_or_discard_templated_email, discard=discard)
    if _send_welcome(user, link_id=link_id, send=send):
        _end_older_links(user, Purpose.CONFIRMATION, link_id, discard=discard)


def _send_welcome(
    user: User,
    *,
    link_id: str = "",
    idempotency_key: str | None = None,
    is_withheld: bool = False,
    send: Send = queue_templated_email,
) -> bool:
    token = "" if user.is_email_verified else tokens.make_email_verification_token(user, link_id)
    confirm_url = _link("verify-email", token=token) if token else ""
    context = {"dashboard_url": _link("dashboard"), "confirm_url": confirm_url}
    return _send(
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


def send_already_registered_email(user: User, *, discard: bool) -> bool:
    """Send the owner of an email address a notice that someone signed up with it again, at most once a day.

    The email repeats nothing of that sign-up. Otherwise, strangers could send their own text to the owner.
    """
    context = {"login_url": _link("login"), "reset_url": _link("forgot-password")}
    send = partial(send_or_discard_templated_email, discard=discard)
    return _send(user, "already_registered", context, idempotency_key=already_registered_key(user), send=send)


def send_password_reset_email(user: User, *, discard: bool = False) -> None:
    link_id = tokens.new_link_id()
    context = {"reset_url": _link("reset-password", token=tokens.make_password_reset_token(user, link_id))}
    # If delivery is delayed until the link no longer works, the email isn't sent at all.
    expires_at = timezone.now() + tokens.PASSWORD_RESET_LIFE
    send = partial(send_or_discard_templated_email, discard=discard)
    if _send(user, "password_reset", context, expires_at=expires_at, sensitive=True, send=send):
        _end_older_links(user, Purpose.RESET, link_id, discard=discard)


def send_password_changed_email(user: User, at: datetime) -> None:
    _send(user, "password_changed", {"changed_at": at, "reset_url": _link("forgot-password")})


def send_email_change_email(user: User, new_address: str, *, discard: bool = False) -> None:
    """Send the link that completes the change to the new address."""
    link_id = tokens.new_link_id()
    token = tokens.make_email_change_token(user, new_address, link_id)
    # Without the old address, because the new one may belong to a stranger, who must not get the user's text.
    context = {"confirm_url": _link("confirm-email-change", token=token)}
    expires_at = timezone.now() + tokens.EMAIL_CHANGE_LIFE
    send = partial(send_or_discard_templated_email, discard=discard)  # costs as much as send_already_registered_email
    if _send(user, "email_change", context, to=new_address, expires_at=expires_at, sensitive=True, send=send):
        _end_older_links(user, Purpose.CHANGE, link_id, discard=discard)


def send_email_changed_notice(change: EmailChange) -> None:
    """Send the link that undoes the change to the old address."""
    undo_until = change.at + tokens.EMAIL_UNDO_LIFE
    protected_until = change.at + timedelta(hours=settings.ACCOUNTS_UNDO_PROTECTED_HOURS)
    context = {
        "new_address": change.new_address,
        "changed_at": change.at,
        "undo_url": _link("undo-email-change", token=tokens.make_email_undo_token(change)),
        "undo_until": undo_until,
        "protected_until": protected_until if protected_until < undo_until else None,
    }
    _send(change.user, "email_changed_notice", context, to=change.old_address, expires_at=undo_until, sensitive=True)


def send_email_keep_email(user: User) -> None:
    """Send the link that ends the undo links of the old addresses to the current address."""
    link_id = tokens.new_link_id()
    context = {"keep_url": _link("keep-email-address", token=tokens.make_email_keep_token(user, link_id))}
    expires_at = timezone.now() + tokens.EMAIL_KEEP_LIFE
    if _send(user, "email_keep", context, expires_at=expires_at, sensitive=True):
        tokens.end_older_links(user, Purpose.KEEP, link_id)


def send_email_kept_notice(change: EmailChange) -> None:
    """Notify the old address that its undo link has ended."""
    _send(change.user, "email_kept_notice", {"changed_at": change.at}, to=change.old_address)


def send_deletion_notice(user: User, at: datetime) -> None:
    """Send the last email to this person. It is sensitive so that its body is erased once it is sent."""
    _send(user, LAST_KIND, {"deleted_at": at}, sensitive=True)


def staff_message_context(user: User, *, subject: str, text: str) -> dict[str, object]:
    """Return the context of an email that staff wrote. ``text`` is plain: blank lines separate its paragraphs."""
    return {
        "name": greeting_name(user, user.email),
        "title": subject,
        "paragraphs": [paragraph.strip() for paragraph in BLANK_LINES.split(text) if paragraph.strip()],
    }


def send_staff_message(user: User, *, subject: str, text: str, again: str) -> None:
    """Send an email that a member of staff wrote. Answers go to the support address."""
    _send(
        user,
        STAFF_MESSAGE,
        staff_message_context(user, subject=subject, text=text),
        idempotency_key=staff_message_key(again),
        send=partial(queue_templated_email, from_email=support_sender(), reply_to=[settings.SUPPORT_EMAIL]),
    )


def support_sender() -> str:
    """Return the sender of emails that staff write: the support address, if email can be sent from its domain.

    Providers refuse senders of other domains than the one that is set up, which is that of DEFAULT_FROM_EMAIL.
    """
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    is_same_domain = domain_of(settings.SUPPORT_EMAIL) == domain_of(address)
    return formataddr((settings.BRAND_NAME or name, settings.SUPPORT_EMAIL if is_same_domain else address))


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def greeting_name(user: User, to: str) -> str:
    """Return the name to greet the user with in an email, which is empty unless this is the user's confirmed address.

    Otherwise, a stranger could enter someone else's email address and a name such as "Call this number now", and the
    owner of the address would get that text from us.
    """
    is_own_inbox = to == user.email and user.is_email_verified
    # Names from before today's rules may break them.
    return user.name if is_own_inbox and is_valid_name(user.name) else ""


def _end_older_links(user: User, purpose: Purpose, newest: str, *, discard: bool) -> None:
    """End the older links, or, if the email with the newest one was discarded, do the same work for nobody."""
    tokens.end_older_links(User() if discard else user, purpose, newest)


def _send(
    user: User,
    kind: str,
    context: Mapping[str, object],
    *,
    to: str | None = None,
    idempotency_key: str | None = None,
    expires_at: datetime | None = None,
    sensitive: bool = False,
    send: Send = queue_templated_email,
) -> bool:
    """Send an email in the user's language, by default to the user. Takes the arguments of send_templated_email.

    Returns whether the email is in the outbox.
    """
    return send(
        kind=kind,
        to=to or user.email,
        context={"name": greeting_name(user, to or user.email), **context},
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
