"""POST /emails/webhooks/<provider>/: verified on the raw bytes, then parsed, recorded and answered within milliseconds.

The status is an instruction to the sender: 401 forged, 400 malformed, 413 too large, 503 come again, 200 never again.
"""

import json
import logging
import time
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from common.webhooks import answer, raw_body
from emails.tracking import recording
from emails.webhooks.receiver import MalformedPayload, Receiver
from emails.webhooks.resend import ResendReceiver
from emails.webhooks.sendgrid import SendGridReceiver
from emails.webhooks.sequenzy import SequenzyReceiver

logger = logging.getLogger(__name__)

MOST_BYTES = 2 * 1024 * 1024  # SendGrid posts up to 768 kB, the others one event each
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
        return answer(503, "This receiver isn't set up.")
    body = raw_body(request, MOST_BYTES)
    if body is None:
        return answer(413, f"The body must not exceed {MOST_BYTES} bytes.")
    if not receiver.is_genuine(request.headers, body, time.time()):
        logger.warning("An event that claims to be of %s has no valid signature of the last minutes.", provider)
        return answer(401, "The signature is missing, invalid, or too old.")
    try:
        events = [*receiver.events(parsed(body))]
    except (MalformedPayload, ValueError, RecursionError) as error:
        logger.warning("A signed request of %s cannot be read: %s", provider, error)
        return answer(400, "The body is not in the documented format.")
    return recorded(events)


def recorded(events: Iterable[Any]) -> HttpResponse:
    events = [*events]
    try:
        new = recording.record(events)
    except (OperationalError, InterfaceError):
        logger.exception("%d events cannot be stored now; the provider is asked to send them again.", len(events))
        response = answer(503, "The events can't be stored right now. Please send them again.")
        response["Retry-After"] = "30"
        return response
    return JsonResponse({"received": len(events), "new": new})


def parsed(body: bytes) -> Any:
    return json.loads(body, parse_constant=refuse_constant)


def refuse_constant(name: str) -> None:
    raise MalformedPayload(f"{name} is not JSON.")
