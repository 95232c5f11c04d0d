"""Development only: the inbox of every message sent, and the gallery of every template with its sample."""

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

from emails import samples
from emails.models import OutboundEmail
from emails.rendering import RenderedEmail
from emails.support import display
from emails.support.explanations import explain
from emails.support.history import history

logger = logging.getLogger(__name__)

LIMIT = 200
LARGEST_LIMIT = 1000

View = Callable[..., HttpResponse]


def development_only(view: View) -> View:
    """Without DEBUG there is no such page, whatever the routes say: mails hold live links."""

    @wraps(view)
    def guarded(request: HttpRequest, **arguments: Any) -> HttpResponse:
        if not settings.DEBUG:
            raise Http404
        return view(request, **arguments)

    return never_cache(require_safe(guarded))


@development_only
def inbox(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    email = get_object_or_404(OutboundEmail, pk=pk) if pk else None
    context = {
        "page": "inbox",
        "emails": OutboundEmail.objects.defer("content")[:LIMIT],
        "limit": LIMIT,
        "signup_url": request.build_absolute_uri("/api/accounts/signup/"),
    }
    return render(request, "previews/inbox.html", {**context, **(shown(email) if email else {})})


def shown(email: OutboundEmail) -> dict[str, Any]:
    message = display.readable_message(email)
    return {
        "email": email,
        "message": message,
        "header_lines": display.header_lines(message) if message else [],
        "frame_url": "html/",
        "explanation": explain(email),
        "events": history(email),
    }


@development_only
def inbox_html(request: HttpRequest, pk: UUID) -> HttpResponse:
    message = display.readable_message(get_object_or_404(OutboundEmail, pk=pk))
    if message is None:
        raise Http404("The body of this message has been deleted.")
    return display.frame(message.html)


@development_only
def inbox_json(request: HttpRequest) -> HttpResponse:
    """The newest messages, 200 of them unless ?limit= says otherwise, up to 1000. A blanked body is an empty text."""
    limit = request.GET.get("limit", str(LIMIT))
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= LARGEST_LIMIT):
        return JsonResponse({"detail": f"limit must be a whole number from 1 to {LARGEST_LIMIT}."}, status=400)
    emails = OutboundEmail.objects.prefetch_related("attempts", "events")[: int(limit)]
    return JsonResponse({"messages": [as_json(email) for email in emails]})


def as_json(email: OutboundEmail) -> dict[str, Any]:
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
        "events": [asdict(event) for event in history(email)],
    }


@dataclass(frozen=True, slots=True)
class Sample:
    """A kind as the gallery shows it: rendered, or the sentence that says why it is not."""

    kind: str
    rendered: RenderedEmail | None = None
    trouble: str = ""


@development_only
def gallery(request: HttpRequest) -> HttpResponse:
    language = chosen_language(request)
    if language is None:
        return HttpResponseBadRequest(f"LANGUAGES contains only {', '.join(dict(settings.LANGUAGES))}.")
    context = {
        "page": "gallery",
        "language": language,
        "languages": settings.LANGUAGES,
        "samples": [sample(kind, language) for kind in samples.folders()],
    }
    return render(request, "previews/gallery.html", context)


@development_only
def sample_html(request: HttpRequest, kind: str) -> HttpResponse:
    shown_sample = sample(kind, chosen_language(request))
    if shown_sample.rendered is None:
        raise Http404(shown_sample.trouble)
    return display.frame(shown_sample.rendered.html)


def chosen_language(request: HttpRequest) -> str | None:
    """What ?language= asks for, the active language without it, or None for one that the site does not have."""
    language = request.GET.get("language") or get_language() or settings.LANGUAGE_CODE
    return language if language in dict(settings.LANGUAGES) else None


def sample(kind: str, language: str | None) -> Sample:
    try:
        return Sample(kind, samples.render_sample(kind, language))
    except samples.SampleError as error:
        return Sample(kind, trouble=str(error))
    except Exception as error:  # whatever a template, its tags or its filters raise is what the author came to see
        logger.warning("The sample of %s cannot be rendered.", kind, exc_info=True)
        return Sample(kind, trouble=f"{kind} can't be rendered: {type(error).__name__}: {error}")
