"""POST /stripe/webhook, the endpoint that receives Stripe's events.

Stripe sends an event again, for up to three days, after any response that isn't a 2xx: also after a 400 or a redirect.
So a 200 means that the event is stored, not that it has been processed, and a mail provider's outage never causes a
5xx.
"""

import logging
import time

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.webhook import processing, signatures
from billing.webhook.envelope import NotAnEvent
from common.outages import unavailable
from common.webhooks import count_responses, detail_response, raw_body, try_again_response

logger = logging.getLogger(__name__)

# Most events have a few kB, and an invoice contains at most ten lines. The limit bounds what an unsigned request can
# make us read and hash.
MAX_BODY_BYTES = 512 * 1024


# Stripe can't send a CSRF token, and the signature proves more than a token would.
@csrf_exempt
# Projects that add LoginRequiredMiddleware would otherwise redirect Stripe to the login page.
@login_not_required
# With ATOMIC_REQUESTS, an error in the handler would also roll back the stored event.
@transaction.non_atomic_requests
@require_POST
@count_responses(lambda: "stripe")
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Return 200 once the event is stored. Every other status makes Stripe send the event again.

    400: the request isn't from Stripe, or isn't an event. 413: the body is too large. 503: receive it again later.
    """
    if not settings.STRIPE_WEBHOOK_SECRETS:
        logger.error("An event from Stripe was refused. Set STRIPE_WEBHOOK_SECRETS to the secret of the endpoint.")
        return detail_response(503, "This receiver isn't set up.")
    # The signature covers the bytes as they were sent, so nothing may parse them first.
    body = raw_body(request, MAX_BODY_BYTES)
    if body is None:
        return detail_response(413, f"The body must not exceed {MAX_BODY_BYTES} bytes.")
    return receive(request, body)


def receive(request: HttpRequest, body: bytes) -> HttpResponse:
    """Verify and store the event, and return the response for Stripe."""
    try:
        signature = request.headers.get("Stripe-Signature", "")
        signatures.verify(signature, body, settings.STRIPE_WEBHOOK_SECRETS, now=time.time())
        request.META["stripe_event_id"] = processing.receive(body)  # for the access log
    # Anyone can cause the first error by posting nonsense. The second means that our endpoint at Stripe is set up
    # wrong.
    except signatures.SignatureInvalid as error:
        logger.warning("A request that claims to come from Stripe was refused: %s", error)
        return detail_response(400, str(error))
    except NotAnEvent as error:
        logger.error("A signed request from Stripe was refused: %s", error)
        return detail_response(400, str(error))
    # A mistake in our own code as well: Stripe repeats the event for days, and meanwhile we can correct it.
    except Error as error:
        if not unavailable(error):
            logger.exception("An event from Stripe can't be stored or handled. Stripe will send it again.")
        return try_again_response("The event can't be stored right now. Please send it again.")
    return JsonResponse({"received": True})
