"""Staff are alerted of disputes and fraud warnings at once, each step once, in any order of events."""

from datetime import timedelta
from itertools import permutations

import pytest
from django.core.checks import run_checks
from django.db import transaction
from django.utils import timezone

from billing.access import user_has_subscription
from billing.models import Dispute, EarlyFraudWarning, Payment, StripeEvent, Subscription
from billing.services.disputes import remind_of_evidence
from billing.tasks import look_after_events
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post, post_all
from billing.tests.test_admin import admin_client as admin_client
from billing.tests.test_refunds import CHARGE, INTENT, event
from billing.webhook.backlog import sweep

STAFF = ["ops@acme.example", "money@acme.example"]
PAID = "invoice_paid_first"


def dispute(what, status, **values):
    fields = {"id": "du_1", "object": "dispute", "amount": 2900, "currency": "usd", "reason": "product_not_received"}
    fields |= {"charge": CHARGE, "payment_intent": INTENT, "status": status, "livemode": True, "created": 1793700000}
    fields |= {"evidence_details": {"due_by": 1794700000, "submission_count": 0}, **values}
    return event(f"charge.dispute.{what}", f"evt_{what}_{status}", **fields)


def warning(what, *, actionable=True, **values):
    fields = {"id": "issfr_1", "object": "radar.early_fraud_warning", "actionable": actionable, "livemode": False}
    fields |= {"charge": CHARGE, "payment_intent": INTENT, "fraud_type": "made_with_stolen_card", **values}
    return event(f"radar.early_fraud_warning.{what}", f"evt_{what}_{actionable}", **fields)


OPENED = dispute("created", "needs_response")


@pytest.fixture(autouse=True)
def staff(settings):
    settings.BILLING_ALERT_EMAILS = STAFF


@pytest.fixture
def steps(queued_emails):
    """Provide a function that returns the keys of the emails to the first member of staff."""

    def steps():
        staff = [key for key, email in queued_emails().items() if email.recipients == STAFF[0]]
        return sorted(key.removesuffix(f":{STAFF[0]}") for key in staff)

    return steps


@pytest.fixture
def paid_invoice(ada):
    post_all([payload(PAID), payload("invoice_payment_paid")])


def test_dispute_alerts_every_member_of_staff_once(paid_invoice, queued_emails):
    post_all([OPENED, changed(OPENED)])
    emails = [email for email in queued_emails().values() if email.kind == "dispute_notice"]
    assert sorted(email.recipients for email in emails) == sorted(STAFF)
    message = emails[0].message
    assert message.subject == "Payment 8E3F2A91-0001 is disputed"
    assert "Amount: $29.00\nReason: product not received\nRespond by: Nov. 14, 2026" in message.text
    assert "https://dashboard.stripe.com/disputes/du_1" in message.text
    assert f"https://app.example.com/admin/billing/payment/{Payment.objects.get().pk}/change/" in message.text
    assert "gives no access" not in message.text
    assert "ada@" not in message.text


@pytest.mark.parametrize(
    ("status", "last"), [("won", "won"), ("lost", "lost"), ("warning_closed", "closed"), ("prevented", "closed")]
)
def test_each_step_is_announced_once_in_any_order(paid_invoice, steps, status, last):
    closed = dispute("closed", status)
    for order in permutations([OPENED, dispute("funds_withdrawn", "needs_response"), closed]):
        with transaction.atomic():
            post_all([*order, *order])
            # That it was opened is no news once it is closed.
            opened = [] if order[0] is closed else ["dispute:du_1:opened"]
            assert steps() == sorted([f"dispute:du_1:{last}", *opened])
            transaction.set_rollback(True)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_dispute_waits_for_its_payment(ada, steps, generation):
    post_all([OPENED, dispute("closed", "lost")])
    assert steps() == []
    post_all([payload(PAID, generation), payload("invoice_payment_paid")])
    make_due()
    assert steps() == ["dispute:du_1:lost"]
    assert Dispute.objects.get().payment == Payment.objects.get()


def make_due():
    """Process the events that wait."""
    StripeEvent.objects.exclude(due_at=None).update(due_at=timezone.now() - timedelta(days=1))
    sweep()


def test_dispute_of_another_product_alerts_nobody(paid_invoice, queued_emails, admin_client):
    post(dispute("created", "needs_response", charge="ch_theirs", payment_intent="pi_theirs"))
    assert [email.kind for email in queued_emails().values()] == ["receipt"]
    assert "du_1" not in admin_client.get("/admin/billing/dispute/").text


@pytest.mark.parametrize(
    ("emails", "admins", "expected"),
    [
        ([], [], []),
        ([], ["root@acme.example"], ["root@acme.example"]),
        ([], [("Root", "Root@Acme.example")], ["root@acme.example"]),
        (["a@acme.example", "A@acme.example", "no address"], ["root@acme.example"], ["a@acme.example"]),
    ],
)
def test_recipients_are_the_setting_or_admins(paid_invoice, queued_emails, settings, emails, admins, expected):
    settings.BILLING_ALERT_EMAILS, settings.ADMINS = emails, admins
    post(OPENED)
    assert [email.recipients for email in queued_emails().values() if email.kind == "dispute_notice"] == expected
    assert StripeEvent.objects.get(type="charge.dispute.created").status == "processed"


def test_wrong_settings_are_named_at_startup(settings):
    settings.BILLING_ACCESS_ON_DISPUTE, settings.BILLING_ALERT_EMAILS = "block", ["nobody"]
    assert {error.id for error in run_checks(tags=["billing"])} == {"billing.E020", "billing.E021"}
    settings.STRIPE_SECRET_KEY, settings.BILLING_ALERT_EMAILS, settings.ADMINS = "sk_live_1", [], []
    [problem] = run_checks(tags=["alerts"], include_deployment_checks=True)
    assert problem.id == "billing.W020"


def in_days(days):
    return int((timezone.now() + timedelta(days=days)).timestamp())


@pytest.mark.parametrize(
    ("days", "submissions", "status", "is_reminded"),
    [
        (2, 0, "needs_response", True),
        (2, 0, "warning_needs_response", True),
        (4, 0, "needs_response", False),
        (-1, 0, "needs_response", False),
        (2, 1, "needs_response", False),
        (2, 0, "under_review", False),
    ],
)
def test_missing_evidence_is_remembered_once(paid_invoice, steps, days, submissions, status, is_reminded):
    evidence = {"due_by": in_days(days), "submission_count": submissions}
    post(dispute("created", status, evidence_details=evidence))
    look_after_events()
    look_after_events()
    assert len(steps()) == 1 + is_reminded


def test_extended_deadline_is_a_new_reminder(paid_invoice, steps):
    post(dispute("created", "needs_response", evidence_details={"due_by": in_days(1)}))
    assert remind_of_evidence() == 1
    moved = changed(OPENED, "charge.dispute.updated", evidence_details={"due_by": in_days(2)}, created=in_days(0))
    post(moved)
    assert (remind_of_evidence(), remind_of_evidence()) == (1, 0)
    assert len(steps()) == 3


@pytest.mark.parametrize("due_by", [0, None, "soon", -1, 10**30])
def test_unusable_deadline_is_left_out(paid_invoice, queued_emails, due_by):
    post(dispute("created", "needs_response", evidence_details={"due_by": due_by}))
    [text] = {email.message.text for email in queued_emails().values() if email.kind == "dispute_notice"}
    assert "Respond by" not in text


# Early fraud warnings


@pytest.mark.parametrize("is_first", [True, False])
def test_fraud_warning_alerts_staff_once(paid_invoice, queued_emails, steps, is_first):
    events = [warning("created"), warning("updated", actionable=False)]
    post_all(events if is_first else events[::-1])
    post_all(events)
    assert steps() == ["fraud_warning:issfr_1"]
    [text] = {email.message.text for email in queued_emails().values() if email.kind == "fraud_notice"}
    assert ("you can still avoid" in text) == is_first
    assert "https://dashboard.stripe.com/test/payments/" in text
    assert not EarlyFraudWarning.objects.get().is_actionable
    assert Payment.objects.get().has_fraud_warning


def test_fraud_warning_waits_for_its_payment(ada, steps):
    post(warning("created"))
    assert steps() == []
    post_all([payload(PAID), payload("invoice_payment_paid")])
    make_due()
    assert steps() == ["fraud_warning:issfr_1"]


def test_admin_lists_what_staff_must_answer(paid_invoice, admin_client):
    post_all([OPENED, warning("created")])
    text = admin_client.get("/admin/billing/dispute/").text
    assert "1 dispute needs a response." in text
    assert '<span class="badge badge-bad">Needs a response</span>' in text
    assert 'href="https://dashboard.stripe.com/disputes/du_1"' in text
    assert "made_with_stolen_card" in admin_client.get("/admin/billing/earlyfraudwarning/").text
    payment = Payment.objects.get()
    assert "Disputed" in admin_client.get("/admin/billing/payment/").text
    page = admin_client.get(f"/admin/billing/payment/{payment.pk}/change/").text
    assert "/admin/billing/dispute/du_" in page
    assert "/admin/billing/earlyfraudwarning/issfr_" in page


# Access


@pytest.fixture
def subscriber(ada):
    post(changed(payload("customer_subscription_created"), status="active"))
    return ada


def has_access(user):
    """Return the answer of the query, after checking that the property gives the same one."""
    [subscription] = Subscription.objects.all()
    assert subscription.gives_access == user_has_subscription(user)
    return subscription.gives_access


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize(
    ("status", "keeps_access"),
    [
        ("needs_response", False),
        ("under_review", False),
        ("lost", False),
        ("warning_needs_response", False),
        ("a_new_word", False),
        ("won", True),
        ("warning_closed", True),
    ],
)
def test_dispute_suspends_access_until_it_is_won(subscriber, settings, generation, status, keeps_access):
    settings.BILLING_ACCESS_ON_DISPUTE = "suspend"
    events = [payload(PAID, generation), payload("invoice_payment_paid"), dispute("closed", status)]
    for order in permutations(events):
        with transaction.atomic():
            post_all(order)
            assert has_access(subscriber) == keeps_access
            transaction.set_rollback(True)
    post_all(events)
    settings.BILLING_ACCESS_ON_DISPUTE = "keep"
    assert has_access(subscriber)


def test_access_returns_once_every_dispute_is_settled(subscriber, paid_invoice, settings, client):
    settings.BILLING_ACCESS_ON_DISPUTE = "suspend"
    second = dispute("created", "needs_response", id="du_2") | {"id": "evt_second"}
    post_all([OPENED, second])
    client.force_login(subscriber)
    text = client.get("/billing").text
    assert "Suspended" in text
    assert "Your access is suspended" in text
    post(dispute("closed", "won"))
    assert not has_access(subscriber)
    assert Payment.objects.get().is_disputed
    post(changed(second, "charge.dispute.closed", status="won", created=second["created"] + 1))
    assert has_access(subscriber)
    assert not Payment.objects.get().is_disputed


def test_dispute_of_a_sale_suspends_no_subscription(subscriber, settings):
    settings.BILLING_ACCESS_ON_DISPUTE = "suspend"
    post(changed(payload("checkout_session_completed_payment_guest"), payment_intent="pi_book"))
    post(dispute("created", "needs_response", charge=None, payment_intent="pi_book"))
    assert has_access(subscriber)
