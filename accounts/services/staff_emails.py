"""Emails that staff send to a person by hand: what they can send, and why they may not."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from accounts.hooks import StaffEmail, staff_email_sources
from accounts.mail import STAFF_MESSAGE, send_staff_message, staff_message_context
from accounts.models import User
from accounts.services.passwords import request_password_reset
from accounts.services.signup import resend_verification
from emails.rendering import RenderedEmail, render_email
from emails.tracking.suppressions import is_suppressed

FREE_TEXT = "text"  # the name of an email that staff wrote themselves
TO_UNVERIFIED = ("welcome", "password_reset")  # the kinds with which people verify their address
SUPPRESSED = (
    "We don't send this email to {address} because it's on the suppression list. If the email address works, delete "
    "the suppression first."
)
UNVERIFIED = (
    "{address} isn't verified, so it may belong to somebody else. Send the confirmation link first, or verify the "
    "email address by hand if you know whose it is."
)
INACTIVE = "The user is inactive and couldn't log in. Activate the user first."


@dataclass(frozen=True, slots=True)
class Draft:
    """An email that a member of staff has prepared. ``name`` is the one of a StaffEmail, or FREE_TEXT."""

    token: str
    name: str = FREE_TEXT
    subject: str = ""
    text: str = ""


def staff_email_of(user: User, draft: Draft) -> StaffEmail | None:
    """Return what the draft sends, or None if the user's data no longer offers it."""
    if draft.name == FREE_TEXT:
        return written_email(user, draft)
    return next((email for email in staff_emails(user) if email.name == draft.name), None)


def staff_emails(user: User) -> list[StaffEmail]:
    """Return the emails that can be sent to the user, each with the app's own function."""
    return [*account_emails(user), *(email for source in staff_email_sources for email in source(user))]


def account_emails(user: User) -> Iterator[StaffEmail]:
    if not user.is_email_verified:
        yield StaffEmail("welcome", "welcome", "Confirmation link", partial(send_confirmation_link, user))
    yield StaffEmail("password_reset", "password_reset", "Reset link", partial(send_reset_link, user))


# Each of these emails has a new link, so nothing depends on ``again``.


def send_confirmation_link(user: User, *, again: str) -> None:
    resend_verification(email=user.email)


def send_reset_link(user: User, *, again: str) -> None:
    request_password_reset(email=user.email)


def written_email(user: User, draft: Draft) -> StaffEmail:
    send = partial(send_staff_message, user, subject=draft.subject, text=draft.text)
    return StaffEmail(FREE_TEXT, STAFF_MESSAGE, "Your own text", send, partial(rendered, user, draft))


def rendered(user: User, draft: Draft) -> RenderedEmail:
    context = staff_message_context(user, subject=draft.subject, text=draft.text)
    return render_email(STAFF_MESSAGE, context, user.language)


def refusal_to_email(user: User, kind: str) -> str:
    """Return why staff can't send this kind to the user now, and what to do first, or an empty string."""
    if is_suppressed(user.email, kind):
        return SUPPRESSED.format(address=user.email)
    if not user.is_email_verified and kind not in TO_UNVERIFIED:
        return UNVERIFIED.format(address=user.email)
    return INACTIVE if not user.is_active and kind in TO_UNVERIFIED else ""
