"""A row in every state that a list of the admin can show, for screenshots and browser tests."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from accounts.models import User
from billing import states as billing_states
from billing.models import (
    CleanupRequest,
    Comparison,
    Customer,
    Dispute,
    Drift,
    EarlyFraudWarning,
    Payment,
    RefundedCharge,
    StripeEvent,
    Subscription,
    SubscriptionChange,
)
from billing.tests.support.stripe_events import payload
from emails.backends.outbox import row_from
from emails.models import (
    ContactChange,
    DeliveryAttempt,
    DeliveryEvent,
    OutboundEmail,
    ProviderState,
    Reason,
    Status,
    Suppression,
)
from emails.tests.support.messages import mail

NAMES = ("Ada Lovelace", "Grace Hopper", "Katherine Johnson", "Annie Easley", "Mary Jackson")
WAITING_REASONS = (
    Reason.TRANSIENT,
    Reason.CONFIGURATION,
    Reason.QUOTA,
    Reason.INTERNAL,
    Reason.WAITS_FOR_FIRST,
)
LONG = "a-very-long-address-that-someone-really-has.and-uses@a-subdomain.of-a-long-company-name.example.com"
DETAIL = "550 5.1.1 <unknown@example.com>: Recipient address rejected: User unknown in virtual mailbox table"


def make_every_state() -> None:
    """Store the rows. The newest ones of each model come first in its list."""
    users = make_users()
    make_messages(users)
    make_provider_rows()
    make_billing_rows(users)
    staff = User.objects.filter(is_superuser=True).first()
    if staff:
        LogEntry.objects.create(
            user=staff,
            content_type=ContentType.objects.get_for_model(User),
            object_id=str(users[0].pk),
            object_repr=str(users[0]),
            action_flag=CHANGE,
            change_message="The password reset link was sent.",
        )


def make_users() -> list[User]:
    now = timezone.now()
    users = [
        User.objects.create_user(f"{name.split()[0].lower()}@example.com", name=name, email_verified_at=now)
        for name in NAMES
    ]
    users.append(User.objects.create_user(LONG, name="Bartholomew Featherstonehaugh-Cholmondeley"))
    User.objects.filter(pk=users[4].pk).update(is_active=False)
    User.objects.filter(pk=users[3].pk).update(is_staff=True)
    Group.objects.get_or_create(name="Support")
    return users


def message_states() -> Iterator[tuple[Status, str]]:
    """Yield the status and reason of every message that can exist."""
    yield from ((Status.QUEUED, reason) for reason in ("", *WAITING_REASONS))
    yield from ((Status.SENDING, reason) for reason in ("", Reason.UNKNOWN))
    others = (
        Reason.REFUSED,
        Reason.UNSUPPORTED,
        Reason.GAVE_UP,
        Reason.OUTCOME_UNKNOWN,
        Reason.QUARANTINED,
    )
    yield from ((Status.FAILED, reason) for reason in ("", *others))
    yield from ((status, "") for status in Status if status not in (Status.QUEUED, Status.SENDING, Status.FAILED))


def make_messages(users: list[User]) -> None:
    now = timezone.now()
    for number, (status, reason) in enumerate(message_states()):
        user = users[number % len(users)]
        message = mail(subject="Your receipt from Acme for invoice 8E3F2A91-0001 of November 2026", to=[user.email])
        message.attach_alternative(f"<h1>Receipt</h1><p>Hello {user.name},</p><p>thank you.</p>" * 6, "text/html")
        row = row_from(message)
        is_done = status not in (Status.QUEUED, Status.SENDING)
        row.kind = "receipt" if number % 2 else ""
        row.status, row.reason, row.detail = status, reason, DETAIL if reason or status == Status.BOUNCED else ""
        row.provider, row.provider_message_id = "resend", f"49a3999c-0ce1-4ea6-ab68-afcd6dc2e{number:03}"
        row.metadata = {"user_id": str(user.pk)}
        row.created_at = now - timedelta(minutes=number)
        row.idempotency_key = f"receipt:in_{number}"
        row.sent_at = now if status in (Status.SENT, Status.DELIVERED, Status.BOUNCED, Status.COMPLAINED) else None
        row.due_at, row.settled_at = (None, now) if is_done else (now + timedelta(hours=1), None)
        row.save(force_insert=True)
        attempt = DeliveryAttempt.objects.create(
            provider="resend",
            outcome=DeliveryAttempt.Outcome.values[number % len(DeliveryAttempt.Outcome)],
            status_code=422 if number % 3 else None,
            error_code="validation_error" if number % 3 else "",
            detail=DETAIL if number % 3 else "",
            settled_at=now if is_done else None,
            created_at=row.created_at,
            message_count=1,
        )
        attempt.emails.add(row, through_defaults={"position": 0})


def make_provider_rows() -> None:
    now = timezone.now()
    later = now + timedelta(hours=1)
    pauses = {
        "resend": {},
        "sequenzy": {"reason": "rate_limited", "paused_until": later, "detail": "429 rate_limit_exceeded"},
        "sendgrid": {"reason": "breaker", "paused_until": later, "failures": 12, "detail": "503 Service Unavailable"},
        "smtp": {"reason": "configuration", "paused_until": later, "detail": "401 API key is invalid", "failures": 1},
        "other.Backend": {"reason": "quota", "paused_until": later, "detail": "daily_quota_exceeded", "failures": 1},
    }
    for name, values in pauses.items():
        ProviderState.objects.create(name=name, rate=2, down_since=now if values else None, **values)
    email = OutboundEmail.objects.filter(status=Status.BOUNCED).get()
    for number, kind in enumerate(DeliveryEvent.Type.values):
        DeliveryEvent.objects.create(
            provider="resend",
            fingerprint=str(number),
            type=kind,
            email=email if number % 2 else None,
            recipient=email.recipients,
            severity="hard" if kind == "bounced" else "",
            detail=DETAIL if kind == "bounced" else "",
            occurred_at=now,
            received_at=now - timedelta(seconds=number),
            raw={"type": f"email.{kind}", "data": {"to": [email.recipients], "email_id": "x" * 80}},
        )
    for number, (cause, scope) in enumerate(
        zip(Suppression.Cause.values, [*Suppression.Scope.values, "everything", "everything"], strict=True)
    ):
        until = now - timedelta(days=1) if number == 4 else None
        address = f"person-{number}@example.com" if number else LONG
        Suppression.objects.create(address=address, cause=cause, scope=scope, detail=DETAIL, until=until)
    for number, (status, reason) in enumerate(
        [
            ("queued", ""),
            ("queued", "transient"),
            ("sending", ""),
            ("sent", ""),
            ("failed", "refused"),
            ("cancelled", ""),
        ]
    ):
        ContactChange.objects.create(
            address=f"person-{number}@example.com",
            action=ContactChange.Action.values[number],
            status=status,
            reason=reason,
            content={"tag": "customer", "attributes": {"plan": "pro"}},
            settled_at=now if status in ("sent", "failed", "cancelled") else None,
        )


def make_billing_rows(users: list[User]) -> None:
    now = timezone.now()
    customers = [
        Customer.objects.create(pk=f"cus_{number}QmRt7Kq2Zx", user=user, email=user.email, name=user.name)
        for number, user in enumerate(users)
    ]
    Customer.objects.create(pk="cus_deleted", email="gone@example.com", deleted_at=now)
    Customer.objects.create(pk="cus_erased", erased_at=now)
    Customer.objects.create(pk="cus_unlinked", email="nobody@example.com", name="Nobody")
    make_subscriptions(customers)
    make_payments(users, customers)
    make_events(customers)
    for number, status in enumerate(billing_states.DISPUTES):
        Dispute.objects.create(
            pk=f"du_{number}SPb7zKq4RtYw2Vd",
            payment=Payment.objects.all()[number % 5],
            status=status,
            reason="product_not_received",
            amount=2900,
            currency="usd",
            opened_at=now,
            evidence_due_at=now + timedelta(days=9),
            version=str(number),
        )
    Dispute.objects.filter(pk__startswith="du_0").update(has_evidence=False)
    Dispute.objects.create(
        pk="du_answered",
        payment=Payment.objects.first(),
        status="needs_response",
        has_evidence=True,
        amount=2900,
        currency="usd",
        opened_at=now,
    )
    for number in range(2):
        EarlyFraudWarning.objects.create(
            pk=f"issfr_{number}",
            payment=Payment.objects.first(),
            fraud_type="made_with_stolen_card",
            is_actionable=bool(number),
            warned_at=now,
        )


def make_subscriptions(customers: list[Customer]) -> None:
    now = timezone.now()
    extra: list[dict[str, Any]] = [
        {"status": "active", "cancel_at": now + timedelta(days=9)},
        {"status": "active", "is_collection_paused": True},
    ]
    rows: list[dict[str, Any]] = [*({"status": status} for status in billing_states.SUBSCRIPTIONS), *extra]
    for number, values in enumerate(rows):
        Subscription.objects.create(
            pk=f"sub_{number}SPb7zKq4RtYw2Vd",
            customer=customers[number % len(customers)],
            price_id="price_pro_monthly",
            recurring_amount=2900,
            currency="usd",
            interval="month",
            interval_count=1,
            quantity=1,
            current_period_end=now + timedelta(days=20),
            version=f"{number:03}" if number else "",
            **values,
        )
    for number, (status, failures) in enumerate([("pending", 0), ("pending", 2), ("done", 0), ("refused", 0)]):
        SubscriptionChange.objects.create(
            user=User.objects.get(email="ada@example.com"),
            subscription=Subscription.objects.all()[number],
            action=SubscriptionChange.Action.values[number],
            plan="pro",
            status=status,
            failures=failures,
            refusal="card_declined" if status == "refused" else "",
            due_at=now if status == "pending" else None,
        )
    make_comparison()


def make_comparison() -> None:
    now = timezone.now()
    Comparison.objects.create(finished_at=now)
    for number, (confirmed, closed) in enumerate([(now, None), (now, now)]):
        Drift.objects.create(
            kind="subscription",
            object_id=f"sub_{number}SPb7zKq4RtYw2Vd",
            confirmed_at=confirmed,
            closed_at=closed,
            differences={"status": ["active", "past_due"], "current_period_end": ["2026-11-26", "2026-12-26"]},
        )
    for number, (failures, done) in enumerate([(0, None), (3, None), (0, now)]):
        CleanupRequest.objects.create(
            action=CleanupRequest.Action.values[number], object_id=f"cus_{number}", failures=failures, done_at=done
        )


def make_payments(users: list[User], customers: list[Customer]) -> None:
    now = timezone.now()
    rows: list[dict[str, Any]] = [
        *({"status": status} for status in Payment.Status),
        {"status": "failed", "needs_action": True},
        {"status": "paid", "charge": "ch_disputed"},
        {"status": "paid", "charge": "ch_warned"},
        {"status": "paid", "charge": "ch_refunded"},
        {"status": "paid", "charge": "ch_partly"},
    ]
    for number, values in enumerate(rows):
        Payment.objects.create(
            stripe_id=f"in_{number}SPb7zKq4RtYw2Vd9",
            user=users[number % len(users)],
            customer=customers[number % len(customers)],
            email=users[number % len(users)].email,
            subscription_id=f"sub_{number}SPb7zKq4RtYw2Vd",
            amount=2900,
            currency="usd",
            description="Pro plan, monthly, for one person and everyone in the team",
            number=f"8E3F2A91-{number:04}",
            created_at=now - timedelta(hours=number),
            attempt=1 if values["status"] == "failed" else 0,
            **values,
        )
    Dispute.objects.create(pk="du_x", charge="ch_disputed", status="under_review", amount=2900, currency="usd")
    EarlyFraudWarning.objects.create(pk="issfr_x", charge="ch_warned", fraud_type="misc")
    RefundedCharge.objects.create(pk="ch_refunded", charge="ch_refunded", currency="usd", amount=2900)
    RefundedCharge.objects.create(pk="ch_partly", charge="ch_partly", currency="usd", amount=900)


def make_events(customers: list[Customer]) -> None:
    now = timezone.now()
    body = payload("invoice_paid_first")
    rows: list[dict[str, Any]] = [
        {"status": "received"},
        {"status": "received", "waits_for": "cus_unknown", "note": "The email address of cus_unknown isn't known."},
        {"status": "processed"},
        {"status": "processed", "note": "It belongs to another installation on the same Stripe account."},
        {"status": "failed", "error": "Traceback (most recent call last):\nValueError: no sender", "attempts": 3},
    ]
    for number, values in enumerate(rows):
        StripeEvent.objects.create(
            pk=f"evt_{number}SPb7zKq4RtYw2VdAbCdEf",
            type="customer.subscription.trial_will_end",
            livemode=False,
            body=json.dumps(body),
            customer_id=customers[number].pk,
            object_id=f"in_{number}SPb7zKq4RtYw2Vd9",
            created_at=now,
            received_at=now - timedelta(minutes=number),
            **values,
        )
