"""What needs attention now: each item says how many, since when, where to look, and what fixes it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from billing.models import (
    Checkout,
    CleanupRequest,
    Customer,
    Dispute,
    Drift,
    EarlyFraudWarning,
    Payment,
    StripeEvent,
    Subscription,
    SubscriptionChange,
)
from emails.models import OutboundEmail, ProviderState
from operations.models import Heartbeat, Report

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def provider(settings, running) -> None:
    settings.EMAIL_PROVIDER = "resend"
    settings.EMAIL_DELIVERY_BACKEND = ""


def sentences(client) -> list[str]:
    return [item.sentence for item in client.get("/admin/").context["items"]]


def email(status: str, age: timedelta = HOUR, **values: Any) -> OutboundEmail:
    row = OutboundEmail.objects.create(recipients="ada@example.com", status=status, **{"due_at": None, **values})
    OutboundEmail.objects.filter(pk=row.pk).update(created_at=timezone.now() - age)
    return row


def customer(user: Any = None) -> Customer:
    return Customer.objects.create(pk="cus_1", user=user)


def failed(user):
    for reason in ("quarantined", "outcome_unknown", "refused", "refused", "unsupported", "gave_up"):
        email("failed", reason=reason)


def old_failure(user):
    email("failed", 8 * DAY, reason="refused")


def unclear(user):
    email("sending", reason="unknown")


def late(user):
    email("queued", due_at=timezone.now() - HOUR)
    email("sending", due_at=timezone.now() - HOUR, lease_token="0" * 32)


def stopped(user):
    Heartbeat.objects.update(seen_at=timezone.now() - HOUR)


def stuck(user):
    Heartbeat.objects.update(started_at=timezone.now() - HOUR, worked_at=timezone.now() - HOUR)


def misconfigured(user):
    ProviderState.objects.create(
        name="resend", reason="configuration", detail="The key is invalid.", down_since=timezone.now() - HOUR
    )


def silent(user):
    email("sent", 2 * HOUR, provider="resend")


def disputed(user):
    payment = Payment.objects.create(stripe_id="in_1", amount=2900, currency="usd", status="paid")
    Dispute.objects.create(
        pk="du_1", payment=payment, status="needs_response", amount=2900, currency="usd",
        evidence_due_at=timezone.now() + DAY, opened_at=timezone.now() - DAY,
    )  # fmt: skip
    EarlyFraudWarning.objects.create(pk="issfr_1", payment=payment, is_actionable=True, warned_at=timezone.now() - DAY)


def owing(user):
    payment = Payment.objects.create(stripe_id="in_1", amount=2900, currency="usd", status="failed")
    Subscription.objects.create(
        pk="sub_1", customer=customer(), status="past_due", open_payment=payment, unpaid_since=timezone.now() - DAY
    )


def stripe_failed(user):
    now = timezone.now()
    values = {"type": "invoice.paid", "livemode": False, "body": "{}", "created_at": now, "due_at": now + HOUR}
    StripeEvent.objects.create(pk="evt_1", status="failed", **values)
    waiting = StripeEvent.objects.create(pk="evt_2", status="received", waits_for="cus_1", **values)
    StripeEvent.objects.filter(pk=waiting.pk).update(received_at=now - 2 * HOUR)


def stripe_silent(user):
    checkout = Checkout.objects.create(user=user, session_id="cs_1")
    Checkout.objects.filter(pk=checkout.pk).update(created_at=timezone.now() - 2 * HOUR)


def without_receipt(user):
    event = StripeEvent.objects.create(
        pk="evt_1", type="x", livemode=False, created_at=Now(), status="processed", expects_invoice="in_1"
    )
    StripeEvent.objects.filter(pk=event.pk).update(received_at=timezone.now() - 2 * HOUR)


def differing(user):
    Drift.objects.create(kind="customer", object_id="cus_1", confirmed_at=Now())
    CleanupRequest.objects.create(action="delete_customer", object_id="cus_2", failures=3)
    subscription = Subscription.objects.create(pk="sub_1", customer=customer(user), status="active")
    SubscriptionChange.objects.create(user=user, subscription=subscription, action="cancel", due_at=Now(), failures=1)


EXPECTED = {
    failed: [
        "1 email was set aside after several workers died.",
        "1 email was stopped with an unknown outcome.",
        "2 emails were rejected by the provider.",
        "1 email was not supported by the provider.",
        "1 email was given up after two days.",
    ],
    old_failure: [],
    unclear: ["1 email has an unknown outcome, because the provider didn't respond clearly."],
    late: ["2 emails have been due for more than 5 minutes."],
    stopped: [
        "No worker is running, so no email goes out.",
        "Beat isn't running, so nothing is retried, reminded of, or cleaned up.",
    ],
    stuck: ["Beat runs, but hasn't published a task for five minutes."],  # so the workers have nothing to do
    misconfigured: ["resend can't be used. The key is invalid."],
    silent: ["resend has reported nothing about 1 email that it accepted, so nobody knows what arrived."],
    disputed: [
        "A bank suspects fraud in 1 payment. A refund now can prevent a dispute.",
        "1 dispute needs a response ($29.00). Without one, the bank takes the money back.",
    ],
    owing: ["1 subscription is past due ($29.00 missing)."],
    stripe_failed: [
        "Our own code failed on 1 event from Stripe.",
        "1 event from Stripe can't be assigned to a customer yet.",
    ],
    stripe_silent: ["People have gone to Stripe's checkout, but not one event from Stripe has arrived."],
    without_receipt: ["1 subscription was bought without a receipt, because Stripe didn't report a paid invoice."],
    differing: [
        "1 subscription or customer differs from Stripe.",
        "1 cleanup at Stripe failed. Until it succeeds, Stripe may go on charging or keep the data of someone who "
        "deleted their account.",
        "1 change of plans that customers confirmed couldn't be made yet.",
    ],
}


@pytest.mark.parametrize("cause", EXPECTED, ids=lambda cause: cause.__name__)
def test_item_says_what_is_wrong(root, ada, cause):
    cause(ada)
    assert sorted(sentences(root)) == sorted(EXPECTED[cause])


@pytest.mark.parametrize("cause", EXPECTED, ids=lambda cause: cause.__name__)
def test_item_names_a_fix_and_leads_to_its_rows(root, ada, cause):
    cause(ada)
    for item in root.get("/admin/").context["items"]:
        assert item.fix
        assert item.link or item.command
        if item.link:
            response = root.get(item.link.url)
            assert response.status_code == 200, item.link
            if "cl" in response.context and cause is not stripe_silent:
                assert response.context["cl"].result_list, "the list shows what the item counts"


def test_most_urgent_comes_first(root, ada):
    for cause in (owing, failed, disputed, stopped):
        if cause is not owing:
            cause(ada)
    assert [item.urgency for item in root.get("/admin/").context["items"]] == [0, 0, 1, 1, *[2] * 5]


def test_paused_provider_is_resumed_from_the_home_page(root, ada):
    misconfigured(ada)
    [item] = root.get("/admin/").context["items"]
    assert f'action="{item.button.url}"' in root.get("/admin/").content.decode()
    assert root.post(item.button.url).status_code == 302
    assert sentences(root) == []


def test_staff_without_the_permission_get_no_button(staff_with, ada):
    misconfigured(ada)
    [item] = staff_with("view_providerstate").get("/admin/").context["items"]
    assert item.button is None


def test_count_is_bounded(root, ada, monkeypatch):
    monkeypatch.setattr("operations.home.attention.items.MAX_LISTED", 3)
    for _ in range(6):
        email("failed", reason="refused")
    assert sentences(root) == ["more than 3 emails were rejected by the provider."]
    assert "More than 3 emails" in root.get("/admin/").content.decode()


def test_findings_of_the_doctor_are_shown(root, staff_with, ada):
    findings = [
        {
            "check": "dns.spf",
            "level": "error",
            "subject": "x.example",
            "problem": "It has no SPF record.",
            "fix": "x",
        },
        {"check": "database", "level": "ok", "subject": "DATABASE_URL", "problem": "", "fix": ""},
    ]
    Report.objects.create(pk=1, process="worker", checked_at=timezone.now(), findings=findings)
    assert sentences(root) == ["x.example: It has no SPF record."]
    assert sentences(staff_with("view_outboundemail")) == []
