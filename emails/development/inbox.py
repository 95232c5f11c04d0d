"""The development inbox: every message, as pages for people and as JSON for tests."""

import hashlib
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import content_disposition_header

from emails.backends import configured_provider
from emails.development import mailbox
from emails.development.guard import development_only
from emails.development.messages import files_of, html_with_inline_images, message_context, raw, tabs_of
from emails.development.viewer import View, frame
from emails.message import Message
from emails.models import OutboundEmail
from emails.support import display
from emails.support.history import history

PAGE_SIZE = 100
MAX_PAGE = 100_000
ADDRESS_COOKIE = "send_to"  # the address of the last “Send me this”


@development_only()
def inbox(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    return render(request, "development/inbox.html", page_context(request, pk))


@development_only()
def live(request: HttpRequest) -> HttpResponse:
    """Return the list and the state of the selected message as HTML, or 304 if they are as they were.

    The page asks every second, so an unchanged inbox costs two small queries.
    """
    identifier = request.GET.get("selected", "")
    selected = UUID(identifier) if mailbox.is_uuid(identifier) else None
    version = version_of(request, selected)
    if request.headers.get("If-None-Match") == version:
        return HttpResponse(status=304)
    response = render(request, "development/live.html", page_context(request, selected, is_live=True))
    response["ETag"] = version
    return response


def version_of(request: HttpRequest, selected: UUID | None) -> str:
    """Return a value that changes when the list or the selected message does."""
    rows = [*page_of(request).values_list("pk", "status", "reason")]
    email = OutboundEmail.objects.filter(pk=selected).first() if selected else None
    state = (email.status, email.due_at, email.events.count(), email.attempts.count()) if email else ()
    digest = hashlib.sha256(repr((rows, state)).encode()).hexdigest()
    return f'"{digest[:32]}"'


def page_of(request: HttpRequest) -> Any:
    """Return the emails on the chosen page of the search."""
    start = (page_number(request) - 1) * PAGE_SIZE
    return found(request)[start : start + PAGE_SIZE]


def found(request: HttpRequest) -> mailbox.Emails:
    return mailbox.search(OutboundEmail.objects.all(), request.GET.get("q", ""))


def page_number(request: HttpRequest) -> int:
    number = request.GET.get("page", "1")
    is_number = number.isascii() and number.isdigit() and len(number) < 7
    return min(max(1, int(number)), MAX_PAGE) if is_number else 1


def page_context(request: HttpRequest, pk: UUID | None, *, is_live: bool = False) -> dict[str, Any]:
    email = OutboundEmail.objects.filter(pk=pk).first() if pk else None
    if pk and email is None and not is_live:
        raise Http404("There is no such email. It may have been deleted.")
    message = display.readable_message(email) if email else None
    words, page = request.GET.get("q", "")[: mailbox.MAX_SEARCH], page_number(request)
    others = {"q": words, "page": str(page) if page > 1 else ""}
    view = View.of(request, tabs_of(message) if email else [""], **others)
    emails, total = [*page_of(request).defer("content")], found(request).count()
    context = {
        "page": "inbox",
        "q": words,
        "emails": emails,
        "total": total,
        "number": page,
        "newer_url": view.url(page=str(page - 1)) if page > 1 else "",
        "older_url": view.url(page=str(page + 1)) if total > page * PAGE_SIZE else "",
        "list_query": view.url(),
        "provider": configured_provider(),
        "send_to": request.COOKIES.get(ADDRESS_COOKIE, ""),
        # An empty inbox shows a curl command with it, for the quickest way to a first email.
        "signup_url": request.build_absolute_uri("/api/accounts/signup/"),
    }
    if not is_live:
        context["version"] = version_of(request, pk)
    return {**context, **(message_context(email, message, view) if email else {})}


@development_only()
def inbox_html(request: HttpRequest, pk: UUID) -> HttpResponse:
    return frame(request, html_with_inline_images(readable(pk)))


@development_only()
def source(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return the message as a file that email programs open."""
    try:
        content = raw(readable(pk))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        return HttpResponse(f"This message can't be converted to MIME: {error}", status=409, content_type="text/plain")
    return download(content, f"{pk}.eml", "message/rfc822")


@development_only()
def attachment(request: HttpRequest, pk: UUID, index: int) -> HttpResponse:
    files = files_of(readable(pk))
    if index >= len(files):
        raise Http404("There is no such attachment.")
    return download(files[index].content, files[index].name, "application/octet-stream")


def download(content: bytes, name: str, content_type: str) -> HttpResponse:
    """Return a file that browsers save and never show, because it may contain scripts."""
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def readable(pk: UUID) -> Message:
    message = display.readable_message(get_object_or_404(OutboundEmail, pk=pk))
    if message is None:
        raise Http404("The body of this message has been deleted.")
    return message


@development_only()
def inbox_json(request: HttpRequest) -> HttpResponse:
    """Return the newest messages as JSON: 200, or as many as ?limit= asks for, up to 1000.

    ``to``, ``kind``, and ``since`` filter them. An unusable value is a 400 with a sentence.
    """
    try:
        emails = mailbox.filtered(request.GET)
    except mailbox.BadFilter as problem:
        return JsonResponse({"detail": str(problem)}, status=400)
    # history() reads both relations, and would send two queries for each message.
    return JsonResponse({"messages": [as_json(email) for email in emails.prefetch_related("attempts", "events")]})


def as_json(email: OutboundEmail) -> dict[str, Any]:
    """Return one message for /dev/inbox.json. If its body is blanked, text and html are empty."""
    message = display.readable_message(email)
    return {
        "id": email.pk,
        "kind": email.kind,
        "to": [address.email for address in message.to] if message else email.recipients.split(),
        "subject": email.subject,
        "text": message.text if message else "",
        "html": message.html if message else "",
        "status": email.status,
        "created_at": email.created_at,
        "events": [asdict(entry) for entry in history(email)],
    }
