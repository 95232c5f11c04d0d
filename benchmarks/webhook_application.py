"""The WSGI application of webhook_rate.py: the project, and a bare view to compare it with."""

import json
import time
from datetime import UTC, datetime
from uuid import uuid4

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

django.setup()

from billing.models import StripeEvent
from billing.receipts import NO_DETAILS
from billing.webhook.signatures import verify
from common.money import format_amount
from emails.models import OutboundEmail
from emails.rendering import render_email


@csrf_exempt
def bare(request: HttpRequest) -> HttpResponse:
    """Do the minimum that an event needs: verify it, render a receipt, and insert one event and one email."""
    verify(request.headers["Stripe-Signature"], request.body, settings.STRIPE_WEBHOOK_SECRETS, now=time.time())
    event = json.loads(request.body)
    invoice = event["data"]["object"]
    total = format_amount(invoice["amount_paid"], invoice["currency"])
    context = NO_DETAILS | {
        "name": invoice["customer_name"],
        "plan": "Pro",
        "total": total,
        "number": invoice["number"],
        "date": "today",
        "billed_to": [invoice["customer_name"], invoice["customer_email"]],
        "payment_method": "",
        "lines": [{"description": line["description"], "amount": total} for line in invoice["lines"]["data"]],
        "invoice_url": invoice["hosted_invoice_url"],
        "billing_url": "https://app.example.com/billing",
    }
    email = render_email("receipt", context, "en")
    content = {"subject": email.subject, "text": email.text, "html": email.html}
    with transaction.atomic():
        StripeEvent.objects.create(
            id=f"bare_{uuid4()}",
            type=event["type"],
            livemode=event["livemode"],
            body=request.body.decode(),
            created_at=datetime.fromtimestamp(event["created"], UTC),
        )
        OutboundEmail.objects.create(
            kind="receipt",
            idempotency_key=f"bare:{uuid4()}",
            subject=email.subject,
            content=content,
            recipients=invoice["customer_email"],
        )
    return JsonResponse({"received": True})


urlpatterns = [path("bare", bare), path("", include("myproject.urls"))]
settings.ROOT_URLCONF = __name__
application = get_wsgi_application()
