"""The emails that a person got from us: the list, and a page for each, where they can read it."""

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import User
from accounts.pages.display import EMAIL_SENTENCES, NEW_LINKS
from accounts.services.deletion import own_addresses
from common.html_frame import framed_html
from common.pages import page_view
from emails import privacy
from emails.message import Message
from emails.models import OutboundEmail

READ = ("GET", "HEAD")
PAGE = 25
LAST_PAGE = 400  # bounds what a request for a page makes the database read
HIDDEN, ELSEWHERE, DELETED = "hidden", "elsewhere", "deleted"


@dataclass(frozen=True, slots=True)
class ReadableEmail:
    """An email of the person who asks. Without a message, ``reason`` says why it can't be read."""

    email: OutboundEmail
    message: Message | None
    reason: str = ""


@login_required
@page_view(methods=READ)
def email_list(request: HttpRequest) -> HttpResponse:
    number = page_number(request)
    start = (number - 1) * PAGE
    emails = [*privacy.emails_of(str(request.user.pk))[start : start + PAGE + 1]]
    if not emails and number > 1:
        raise Http404
    context = {
        "emails": emails[:PAGE],
        "newer": number - 1,
        "older": number + 1 if len(emails) > PAGE and number < LAST_PAGE else None,
    }
    return render(request, "accounts/emails.html", context)


@login_required
@page_view(methods=READ)
def email(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = own_email(request, pk)
    context: dict[str, Any] = {
        "email": found.email,
        "message": found.message,
        "reason": found.reason,
        "sentence": EMAIL_SENTENCES[found.email.status],
        "new_link": NEW_LINKS.get(found.email.kind, ""),
    }
    return render(request, "accounts/email.html", context)


@login_required
@page_view(methods=READ)
def email_html(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return the HTML for the frame on the email's page, or to print it."""
    message = own_email(request, pk).message
    if message is None or not message.html:
        raise Http404
    return framed_html(message.html)


@login_required
@page_view(methods=READ)
def email_file(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return the email with its attachments as a file that email programs open."""
    message = own_email(request, pk).message
    if message is None:
        raise Http404
    content = message.to_django().message().as_bytes()
    headers = {"Content-Disposition": 'attachment; filename="email.eml"'}
    return HttpResponse(content, content_type="message/rfc822", headers=headers)


def page_number(request: HttpRequest) -> int:
    """Return the number in the query, 1 by default. Raises ``Http404`` for one that no link leads to."""
    text = request.GET.get("page", "1")
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(LAST_PAGE))
    number = int(text) if is_number else 0
    if not 1 <= number <= LAST_PAGE:
        raise Http404
    return number


def own_email(request: HttpRequest, pk: UUID) -> ReadableEmail:
    """Return the email, if it belongs to the person who asks. Raises ``Http404`` otherwise."""
    user = cast(User, request.user)
    found = privacy.emails_of(str(user.pk)).filter(pk=pk).defer(None).first()
    if found is None:
        raise Http404
    # A link that grants access is only for the inbox it was sent to. Whoever uses this browser may not have that inbox.
    if found.sensitive:
        return ReadableEmail(found, None, HIDDEN)
    # Such as a request to confirm an address that turned out to be somebody else's.
    recipients = set(found.recipients.split())
    if recipients != {user.email} and not recipients <= own_addresses(user):
        return ReadableEmail(found, None, ELSEWHERE)
    return ReadableEmail(found, None, DELETED) if found.is_body_deleted else ReadableEmail(found, found.message)
