"""POST /emails/webhooks/<provider>/: verified on the raw bytes, then parsed, recorded and answered within milliseconds.

The status is an instruction to the sender: 401 forged, 400 malformed, 413 too large, 503 come again, 200 never again.
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
from common.webhooks import detail_response, raw_body
from emails.tracking import recording
from emails.tracking.event import Event
from emails.webhooks.receiver import MalformedPayload, Receiver
from emails.webhooks.resend import ResendReceiver
from emails.webhooks.sendgrid import SendGridReceiver
from emails.webhooks.sequenzy import SequenzyReceiver

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 2 * 1024 * 1024  # SendGrid posts up to 768 kB, the others one event each
RECEIVERS: dict[str, Receiver] = {
    receiver.provider: receiver for receiver in (SequenzyReceiver(), ResendReceiver(), SendGridReceiver())
}


@csrf_exempt
@login_not_required
@require_POST
def webhook(request: HttpRequest, provider: str) -> HttpResponse:
    receiver = RECEIVERS[provider]
    if not receiver.secrets:
        logger.error("An event of %s is refused: set %s to the secret that it shows.", provider, receiver.variable)
        return detail_response(503, "This receiver is not set up.")
    body = raw_body(request, MAX_BODY_BYTES)
    if body is None:
        return detail_response(413, f"A body has at most {MAX_BODY_BYTES} bytes.")
    if not receiver.is_genuine(request.headers, body, time.time()):
        logger.warning("An event that claims to be of %s has no valid signature of the last minutes.", provider)
        return detail_response(401, "The signature is missing, wrong or too old.")
    try:
        events = [*receiver.events(strict_json.loads(body))]
    except (MalformedPayload, ValueError, RecursionError) as error:
        logger.warning("A signed request of %s cannot be read: %s", provider, error)
        return detail_response(400, "The body is not in the form that is documented.")
    return recorded(events)


def recorded(events: Sequence[Event]) -> HttpResponse:
    try:
        new = recording.record(events)
    except (OperationalError, InterfaceError):
        logger.exception("%d events cannot be stored now; the provider is asked to send them again.", len(events))
        response = detail_response(503, "The events cannot be stored just now. Please send them again.")
        response["Retry-After"] = "30"
        return response
    return JsonResponse({"received": len(events), "new": new})
