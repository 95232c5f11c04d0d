"""POST /stripe/webhook: verified on the raw bytes, stored, handled, answered.

The status is an instruction to Stripe, which sends everything but a 2xx again, for days.
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
from common.webhooks import detail_response, raw_body

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 512 * 1024  # an event has a few kB


@csrf_exempt
@login_not_required
@transaction.non_atomic_requests
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    if not settings.STRIPE_WEBHOOK_SECRETS:
        logger.error("An event of Stripe's is refused: set STRIPE_WEBHOOK_SECRETS to the secret of the endpoint.")
        return detail_response(503, "This receiver isn't set up.")
    body = raw_body(request, MAX_BODY_BYTES)
    if body is None:
        return detail_response(413, f"An event has at most {MAX_BODY_BYTES} bytes.")
    header = request.headers.get("Stripe-Signature", "")
    try:
        signatures.verify(header, body, settings.STRIPE_WEBHOOK_SECRETS, now=time.time())
        processing.receive(body)
    except signatures.SignatureInvalid as error:
        logger.warning("An event that claims to be of Stripe's is refused: %s", error)
        return detail_response(400, str(error))
    except processing.NotAnEvent as error:
        logger.error("A signed request of Stripe's is refused: %s", error)
        return detail_response(400, str(error))
    except (DatabaseError, InterfaceError):
        logger.exception("An event of Stripe's cannot be stored or handled just now; Stripe will send it again.")
        return detail_response(503, "The event can't be stored right now. Please send it again.")
    return JsonResponse({"received": True})
