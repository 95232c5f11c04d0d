"""The buttons of the development pages: send a copy, simulate an event, and delete."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from emails import privacy, samples, simulation
from emails.development.guard import development_only
from emails.development.inbox import ADDRESS_COOKIE, readable
from emails.message import Message
from emails.models import OutboundEmail
from emails.models.attempts import AttemptedEmail
from emails.support.direct import NotSent, send_copy

A_YEAR = 365 * 24 * 60 * 60
BATCH = 500  # rows deleted at a time


@development_only("POST")
def send(request: HttpRequest, pk: UUID) -> HttpResponse:
    email = get_object_or_404(OutboundEmail, pk=pk)
    return send_to_developer(request, readable(pk), email.kind)


@development_only("POST")
def send_sample(request: HttpRequest, kind: str) -> HttpResponse:
    """Send a sample to the developer, in the language and the scenario of the page."""
    try:
        message = sample_message(kind, request.POST.get("language") or None, request.POST.get("scenario") or None)
    except Exception as error:  # templates, tags, and filters can raise anything
        messages.error(request, f"{kind} can't be rendered: {error}")
        return back(request, reverse("development:gallery"))
    return send_to_developer(request, message, kind)


def sample_message(kind: str, language: str | None, scenario: str | None) -> Message:
    rendered = samples.render_sample(kind, language, scenario)
    email = EmailMultiAlternatives(rendered.subject, rendered.text, to=["sample@example.com"])
    email.attach_alternative(rendered.html, "text/html")
    return Message.from_django(email, uuid4())


def send_to_developer(request: HttpRequest, message: Message, kind: str) -> HttpResponse:
    address = request.POST.get("to", "").strip()[:320]
    try:
        if not address:
            raise NotSent("Enter the email address that should get it.")
        messages.success(request, f"{send_copy(message, kind, address)} It goes to {address}.")
    except NotSent as problem:
        messages.error(request, str(problem))
    response = back(request, reverse("development:inbox"))
    if address.isprintable():
        response.set_cookie(ADDRESS_COOKIE, address, max_age=A_YEAR, path="/dev/", httponly=True, samesite="Strict")
    return response


@development_only("POST")
def simulate(request: HttpRequest, pk: UUID) -> HttpResponse:
    email = get_object_or_404(OutboundEmail, pk=pk)
    # The port on which this server listens. In a container, it can differ from the one in the Host header.
    url = f"http://127.0.0.1:{request.META.get('SERVER_PORT', '')}"
    try:
        done = simulation.simulate(email, request.POST.get("event", ""), url=url)
        messages.success(request, done.sentence)
    except simulation.SimulationError as problem:
        messages.error(request, str(problem))
    return back(request, reverse("development:message", args=[pk]))


@development_only("POST")
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    if delete_settled([pk]):
        messages.success(request, "Deleted.")
        return HttpResponseRedirect(reverse("development:inbox"))
    messages.error(request, "A worker is sending this email right now, or it is gone already. Try again in a minute.")
    return back(request, reverse("development:inbox"))


@development_only("POST")
def delete_all(request: HttpRequest) -> HttpResponse:
    count = delete_everything()
    left = OutboundEmail.objects.count()
    stays = f" {left} being sent right now stay{'s' * (left == 1)}." if left else ""
    messages.success(request, f"Deleted {count} email{'s' * (count != 1)}.{stays}")
    return HttpResponseRedirect(reverse("development:inbox"))


def delete_everything() -> int:
    deleted = 0
    last: UUID | None = None
    while True:
        rows = OutboundEmail.objects.order_by("pk")
        keys = [*(rows.filter(pk__gt=last) if last else rows).values_list("pk", flat=True)[:BATCH]]
        if not keys:
            return deleted
        deleted += delete_settled(keys)
        last = keys[-1]


@transaction.atomic
def delete_settled(keys: list[UUID]) -> int:
    """Delete those of the emails that no worker holds, with their events. Return how many."""
    in_flight = AttemptedEmail.objects.filter(email=OuterRef("pk"), attempt__settled_at=None)
    rows = OutboundEmail.objects.filter(~Exists(in_flight), pk__in=keys, lease_token=None)
    free = [*rows.order_by("pk").select_for_update().values_list("pk", flat=True)]
    privacy.delete(free)
    return len(free)


def back(request: HttpRequest, default: str) -> HttpResponseRedirect:
    """Return to the page whose button was pressed, with the tab and the search that were chosen there."""
    path = request.POST.get("next", "")
    is_safe = path.startswith("/dev/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return HttpResponseRedirect(path if is_safe else default)
