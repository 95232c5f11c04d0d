"""Development pages: the inbox with every message, and the gallery with every template and its sample."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from common.html_frame import framed_html
from common.local_requests import is_local_request
from emails import samples
from emails.models import OutboundEmail
from emails.rendering import RenderedEmail
from emails.support import display
from emails.support.explanations import explain
from emails.support.history import history

logger = logging.getLogger(__name__)

DEFAULT_LIMIT = 200
MAX_LIMIT = 1000

View = Callable[..., HttpResponse]


def development_only(view: View) -> View:
    """Return a view that responds with 404 unless DEBUG is on and the request was sent from this machine.

    Emails hold live links, so nobody may read them in production, even if the routes are included by mistake.
    """

    @wraps(view)
    def guarded(request: HttpRequest, **arguments: Any) -> HttpResponse:
        if not (settings.DEBUG and is_local_request(request)):
            raise Http404
        return view(request, **arguments)

    # A cached copy in the browser would outlive the message and still hold its links.
    return never_cache(require_safe(guarded))


@development_only
def inbox(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    email = get_object_or_404(OutboundEmail, pk=pk) if pk else None
    context = {
        "page": "inbox",
        "emails": OutboundEmail.objects.defer("content")[:DEFAULT_LIMIT],
        "limit": DEFAULT_LIMIT,
        # An empty inbox shows a curl command with it, for the quickest way to a first email.
        "signup_url": request.build_absolute_uri("/api/accounts/signup/"),
    }
    return render(request, "development/inbox.html", {**context, **(message_context(email) if email else {})})


def message_context(email: OutboundEmail) -> dict[str, Any]:
    """Return what the templates in templates/support need to show one message."""
    message = display.readable_message(email)
    return {
        "email": email,
        "message": message,
        "header_lines": display.header_lines(message) if message else [],
        "frame_url": "html/",
        "explanation": explain(email),
        "history": history(email),
    }


@development_only
def inbox_html(request: HttpRequest, pk: UUID) -> HttpResponse:
    message = display.readable_message(get_object_or_404(OutboundEmail, pk=pk))
    if message is None:
        raise Http404("The body of this message has been deleted.")
    return framed_html(message.html)


@development_only
def inbox_json(request: HttpRequest) -> HttpResponse:
    """Return the newest messages as JSON: 200, or as many as ?limit= asks for, up to 1000."""
    limit = request.GET.get("limit", str(DEFAULT_LIMIT))
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= MAX_LIMIT):
        return JsonResponse({"detail": f"limit must be a whole number from 1 to {MAX_LIMIT}."}, status=400)
    # history() reads both relations, and would send two queries for each message.
    emails = OutboundEmail.objects.prefetch_related("attempts", "events")[: int(limit)]
    return JsonResponse({"messages": [as_json(email) for email in emails]})


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


@dataclass(frozen=True, slots=True)
class GalleryEntry:
    """A kind with its rendered sample, or the ``error`` that prevented it."""

    kind: str
    rendered: RenderedEmail | None = None
    error: str = ""


@development_only
def gallery(request: HttpRequest) -> HttpResponse:
    language = chosen_language(request)
    if language is None:
        return HttpResponseBadRequest(f"LANGUAGES contains only {', '.join(dict(settings.LANGUAGES))}.")
    context = {
        "page": "gallery",
        "language": language,
        "languages": settings.LANGUAGES,
        "entries": [gallery_entry(kind, language) for kind in samples.folders()],
    }
    return render(request, "development/gallery.html", context)


@development_only
def sample_html(request: HttpRequest, kind: str) -> HttpResponse:
    entry = gallery_entry(kind, chosen_language(request))
    if entry.rendered is None:
        raise Http404(entry.error)
    return framed_html(entry.rendered.html)


def chosen_language(request: HttpRequest) -> str | None:
    """Return the language in ?language=, or else the active one. Returns None if LANGUAGES does not list it."""
    # An unknown language would silently render the sample in the default one.
    language = request.GET.get("language") or get_language() or settings.LANGUAGE_CODE
    return language if language in dict(settings.LANGUAGES) else None


def gallery_entry(kind: str, language: str | None) -> GalleryEntry:
    """Return the rendered sample, or why it can't be rendered. One broken kind must not hide the others."""
    try:
        return GalleryEntry(kind, samples.render_sample(kind, language))
    except samples.SampleError as error:
        return GalleryEntry(kind, error=str(error))
    except Exception as error:  # templates, tags, and filters can raise anything, and the author needs to see it
        logger.warning("The sample of %s cannot be rendered.", kind, exc_info=True)
        return GalleryEntry(kind, error=f"{kind} can't be rendered: {type(error).__name__}: {error}")
