"""POST /emails/webhooks/<provider>/: checks the signature on the raw bytes, then parses, records, and responds.

The provider sends a request again unless the HTTP status is 2xx:

- 200: the events are stored. Events without a message here count as well, because a repeat would change nothing.
- 400: the signature is valid, but the body isn't in the documented format.
- 401: the signature is missing, wrong, or too old. The response doesn't say which, so a forger learns nothing.
- 413: the body is too large to be a real request.
- 503: no secret is configured, or the database is unavailable. The provider keeps the events and tries again.
"""

import logging
import time
from collections.abc import Sequence

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from common import strict_json
from common.webhooks import count_responses, detail_response, raw_body
from emails.tracking import recording
from emails.tracking.event import ReportedEvent
from emails.webhooks.receiver import MalformedPayload, Receiver
from emails.webhooks.resend import ResendReceiver
from emails.webhooks.sendgrid import SendGridReceiver
from emails.webhooks.sequenzy import SequenzyReceiver

logger = logging.getLogger(__name__)

# SendGrid sends batches of up to 768 kB. The other providers send single events.
MAX_BODY_BYTES = 2 * 1024 * 1024
RETRY_AFTER_SECONDS = 30
RECEIVERS: dict[str, Receiver] = {
    receiver.provider: receiver for receiver in (SequenzyReceiver(), ResendReceiver(), SendGridReceiver())
}


# Providers have no CSRF token. The signature proves who sent the request.
@csrf_exempt
# Needed by projects that add LoginRequiredMiddleware.
@login_not_required
@require_POST
@count_responses(lambda provider: provider)
def webhook(request: HttpRequest, provider: str) -> HttpResponse:
    """Return 200 with the number of events once all of them are stored, or one of the statuses above."""
    receiver = RECEIVERS[provider]
    if not receiver.secrets:
        logger.error("An event from %s was refused. Set %s to the secret of its webhook.", provider, receiver.variable)
        return detail_response(503, "This receiver isn't set up.")
    body = raw_body(request, MAX_BODY_BYTES)
    if body is None:
        return detail_response(413, f"The body must not exceed {MAX_BODY_BYTES} bytes.")
    if not receiver.is_genuine(request.headers, body, time.time()):
        logger.warning("A request that claims to come from %s has no valid, recent signature.", provider)
        # The same response for every forgery, so a forger learns nothing from it.
        return detail_response(401, "The signature is missing, invalid, or too old.")
    return process(receiver, body)


def process(receiver: Receiver, body: bytes) -> HttpResponse:
    """Translate and record the events of a genuine request. Return 400 if the body can't be read."""
    try:
        events = [*receiver.events(strict_json.loads(body))]
    except (MalformedPayload, ValueError, RecursionError) as error:
        logger.warning("A signed request from %s can't be read: %s", receiver.provider, error)
        return detail_response(400, "The body is not in the documented format.")
    return record(events)


def record(events: Sequence[ReportedEvent]) -> HttpResponse:
    """Store the events and return 200, or 503 if the database is unavailable."""
    try:
        new = recording.record(events)
    except (OperationalError, InterfaceError):
        logger.exception("%d events can't be stored right now. The provider is asked to send them again.", len(events))
        response = detail_response(503, "The events can't be stored right now. Please send them again.")
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
    return JsonResponse({"received": len(events), "new": new})
