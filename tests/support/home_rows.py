"""Fills a database with rows that need attention, and with a month of counts. Runs in manage.py shell."""

from datetime import timedelta
from random import Random

from django.utils import timezone

from accounts.models import User
from billing.models import Customer, Dispute, Drift, Payment, StripeEvent, Subscription
from emails.models import OutboundEmail, ProviderState, Suppression
from operations.models import EmailCount, MoneyCount
from operations.rollups.hours import DAYS, day_of, full_hour

now, hour, day = timezone.now(), timedelta(hours=1), timedelta(days=1)
random = Random(1)

ada = User.objects.create_user("ada@example.com", name="Ada Lovelace", email_verified_at=now)
for reason, count in {"refused": 3, "quarantined": 1, "outcome_unknown": 2}.items():
    for _ in range(count):
        OutboundEmail.objects.create(
            kind="receipt", subject="Your receipt", recipients="ada@example.com", status="failed", reason=reason,
            due_at=None, settled_at=now,
        )  # fmt: skip
OutboundEmail.objects.create(
    kind="receipt", subject="Your receipt from Acme", recipients=ada.email, status="failed", reason="refused",
    idempotency_key="receipt:in_failed", due_at=None, settled_at=now,
)  # fmt: skip
for status in ("delivered", "bounced", "suppressed", "sent", "complained"):
    OutboundEmail.objects.create(
        kind="receipt", subject="Your receipt from Acme", recipients="guest@example.com", status=status, due_at=None
    )
OutboundEmail.objects.create(kind="welcome", recipients="grace@example.com", due_at=now - hour)
Suppression.objects.create(address="guest@example.com", cause="hard_bounce", detail="550 5.1.1 no such user")
ProviderState.objects.update_or_create(
    name="resend",
    defaults={"reason": "configuration", "detail": "RESEND_API_KEY is not valid.", "down_since": now - 3 * hour},
)
customer = Customer.objects.create(pk="cus_1", user=ada, email="guest@example.com")
payment = Payment.objects.create(
    stripe_id="in_1", customer=customer, amount=2900, currency="usd", status="failed", last_failed_at=now - day
)
Dispute.objects.create(
    pk="du_1", payment=payment, status="needs_response", amount=2900, currency="usd", reason="fraudulent",
    opened_at=now - 4 * day, evidence_due_at=now + 3 * day,
)  # fmt: skip
Subscription.objects.create(
    pk="sub_1", customer=customer, status="past_due", open_payment=payment, unpaid_since=now - day
)
StripeEvent.objects.create(
    pk="evt_1", type="invoice.paid", livemode=True, status="failed", body="{}", created_at=now, due_at=now + hour
)
Drift.objects.create(kind="customer", object_id="cus_1", confirmed_at=now)
KINDS = {
    "receipt": 20,
    "welcome": 12,
    "password_reset": 6,
    "payment_failed": 2,
    "renewal_reminder": 3,
    "": 1,
    "refund": 1,
}
for number in range(DAYS * 24):
    at = full_hour(now) - number * hour
    for kind, usual in KINDS.items():
        shares = {"delivered": 0.9, "sent": 0.04, "bounced": 0.03, "failed": 0.01, "suppressed": 0.02}
        if number < 2:
            shares |= {"queued": 0.3, "sending": 0.1}
        for status, share in shares.items():
            if count := round(usual * share * random.uniform(0.5, 1.5) * (1 if 7 < at.hour < 20 else 0.3)):
                EmailCount.objects.create(hour=at, day=day_of(at), kind=kind, status=status, count=count)
    for currency, price in {"usd": 2900, "eur": 2700}.items():
        for flow, chance in {"paid": 0.6, "refunded": 0.05, "failed": 0.08}.items():
            if random.random() < chance:
                MoneyCount.objects.create(
                    hour=at, day=day_of(at), flow=flow, currency=currency, count=1, amount=price * random.randint(1, 4)
                )
