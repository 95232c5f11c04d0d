"""POST /stripe/webhook: checks the signature on the raw bytes, then stores the event and handles it.

The status is an instruction to Stripe: after anything but a 2xx, it sends the event again, for days.
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

MAX_BODY_BYTES = 512 * 1024  # most events have a few kB


@csrf_exempt  # the signature proves more than a CSRF token would
@login_not_required  # for projects that add LoginRequiredMiddleware
@transaction.non_atomic_requests  # the stored event must survive an error in its handler
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Return 200 once the event is stored, 400 if it can't be one of ours, or 503 to receive it again."""
    if not settings.STRIPE_WEBHOOK_SECRETS:
        logger.error("An event from Stripe was refused. Set STRIPE_WEBHOOK_SECRETS to the secret of the endpoint.")
        return detail_response(503, "This receiver isn't set up.")
    body = raw_body(request, MAX_BODY_BYTES)
    if body is None:
        return detail_response(413, f"The body must not exceed {MAX_BODY_BYTES} bytes.")
    header = request.headers.get("Stripe-Signature", "")
    try:
        signatures.verify(header, body, settings.STRIPE_WEBHOOK_SECRETS, now=time.time())
        processing.receive(body)
    except signatures.SignatureInvalid as error:
        logger.warning("A request that claims to come from Stripe was refused: %s", error)
        return detail_response(400, str(error))
    except NotAnEvent as error:
        logger.error("A signed request from Stripe was refused: %s", error)
        return detail_response(400, str(error))
    except (DatabaseError, InterfaceError):
        logger.exception("An event from Stripe can't be stored or handled right now. Stripe will send it again.")
        return detail_response(503, "The event can't be stored right now. Please send it again.")
    return JsonResponse({"received": True})
