"""POST /stripe/webhook: checks the signature on the raw bytes, then stores and processes the event.

The status code is an instruction to Stripe, which sends an event again, for up to three days, until it gets a 2xx.
"""

import logging
import time

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.webhook import processing, signatures
from billing.webhook.envelope import NotAnEvent
from common.webhooks import detail_response, raw_body

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 512 * 1024  # an event has a few kB


@csrf_exempt
@login_not_required
@transaction.non_atomic_requests  # the event must stay stored if processing it fails
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Respond with 200 for an event that is stored and processed, new or repeated, and 400 for one that isn't
    Stripe's. With 503, Stripe sends the event again."""
    if not settings.STRIPE_WEBHOOK_SECRETS:
        logger.error("Refused a Stripe event: set STRIPE_WEBHOOK_SECRETS to the signing secret of the endpoint.")
        return detail_response(503, "This receiver isn't set up.")
    body = raw_body(request, MAX_BODY_BYTES)
    if body is None:
        return detail_response(413, f"An event has at most {MAX_BODY_BYTES} bytes.")
    header = request.headers.get("Stripe-Signature", "")
    try:
        signatures.verify(header, body, settings.STRIPE_WEBHOOK_SECRETS, now=time.time())
        processing.receive(body)
    except signatures.SignatureInvalid as error:
        logger.warning("Refused a request with an invalid Stripe signature: %s", error)
        return detail_response(400, str(error))
    except NotAnEvent as error:
        logger.error("Refused a signed request from Stripe: %s", error)
        return detail_response(400, str(error))
    except (DatabaseError, InterfaceError):
        logger.exception("A Stripe event cannot be stored or processed just now. Stripe will send it again.")
        return detail_response(503, "The event can't be stored right now. Please send it again.")
    return JsonResponse({"received": True})
