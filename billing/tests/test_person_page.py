"""What billing adds to a person's page in the admin: money in the timeline, facts, and emails that staff can send."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from accounts.hooks import Stretch, deletion_guards, fact_sources, navigation_links, timeline_sources
from accounts.models import User
from billing.models import Checkout, EarlyFraudWarning, Payment, RefundedCharge, StripeEvent, SubscriptionChange
from billing.people.emails import staff_emails
from billing.testing.stories import all_stories
from billing.testing.stories.performance import perform
from billing.tests.support.stripe_events import payload, post_all
from emails.models import OutboundEmail

PURCHASE = ["checkout_session_completed_subscription", "invoice_paid_first", "customer_subscription_created"]


@pytest.fixture
def ada(ada):
    User.objects.filter(pk=ada.pk).update(email_verified_at=timezone.now())
    ada.refresh_from_db()
    return ada


@pytest.fixture
def staff_client(db):
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", "correct horse battery"))
    return client


def tell(ada, name, *, events=None):
    """Post the events of a story, or the first of them."""
    post_all(perform(all_stories()[name], ada.email, "new").events[:events])


def entries(user):
    return [entry for source in timeline_sources for entry in source.entries(user, Stretch(limit=100))]


def said(user):
    """Return what the entries say, with the word of each badge."""
    return {f"{entry.what}: {strip_tags(entry.badge)}" for entry in entries(user)}


def facts(user):
    found = [fact for source in fact_sources for fact in source(user)]
    return {f"{fact.label}: {fact.value} {strip_tags(fact.badge)}".replace("  ", " ").strip() for fact in found}


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        ("refund", {"Refund of $29.00: Refunded", "Payment of $29.00: Refunded"}),
        ("refund-partial", {"Payment of $29.00: Partly refunded"}),
        ("refund-failed", {"Refund of $29.00: Refund failed", "Payment of $29.00: Paid"}),
        ("dispute", {"Dispute about $29.00: Needs a response", "Payment of $29.00: Disputed"}),
        ("dispute-won", {"Dispute about $29.00: Won", "Payment of $29.00: Paid"}),
        ("dispute-lost", {"Dispute about $29.00: Lost", "Payment of $29.00: Disputed"}),
        ("early-fraud-warning", {"Early fraud warning: A refund can prevent a dispute"}),
        ("dunning-lost", {"Payment of $29.00: Failed", "Subscription to Pro: Unpaid"}),
        ("invoice-voided", {"Payment of $29.00: Canceled"}),
    ],
)
def test_every_state_of_money_is_in_the_timeline(ada, story, expected):
    tell(ada, story)
    assert expected <= said(ada)


def test_payment_that_waits_for_the_customer_is_named(ada):
    tell(ada, "purchase")
    Payment.objects.update(status="failed", needs_action=True, paid_at=None)
    assert "Payment of $29.00: Awaits confirmation" in said(ada)


def test_pending_refund_is_in_the_timeline(ada):
    tell(ada, "purchase")
    payment = Payment.objects.get()
    refund = {"re_1": {"amount": 900, "status": "pending", "version": f"{int(timezone.now().timestamp())}.x"}}
    RefundedCharge.objects.create(pk="ch_1", charge="ch_1", currency="usd", refunds=refund)
    Payment.objects.filter(pk=payment.pk).update(charge="ch_1")
    assert "Refund of $9.00: Refund pending" in said(ada)


@pytest.mark.parametrize("refunds", [{}, {"re_1": 900}], ids=["only the total", "without status and time"])
def test_refund_that_stripe_reported_without_details_is_in_the_timeline(ada, refunds):
    tell(ada, "purchase")
    Payment.objects.update(charge="ch_1")
    RefundedCharge.objects.create(
        pk="ch_1", charge="ch_1", currency="usd", amount=900, reported_total=900, refunds=refunds
    )
    assert "Refund of $9.00: Refunded" in said(ada)


def test_delayed_payment_is_shown_as_pending(ada):
    session = payload("checkout_session_completed_payment_guest")
    session["data"]["object"] |= {"id": "cs_debit", "payment_status": "unpaid"}
    Checkout.objects.create(user=ada, product="course", session_id="cs_debit", closed_at=timezone.now())
    Checkout.objects.create(user=ada, plan="pro")
    post_all([session])
    assert {"Checkout for course: Payment pending", "Checkout for pro: Open"} <= said(ada)
    StripeEvent.objects.create(
        pk="evt_later",
        type="checkout.session.async_payment_failed",
        object_id="cs_debit",
        livemode=False,
        body="",
        created_at=timezone.now(),
    )
    assert "Checkout for course: Closed" in said(ada)


def test_changes_and_events_in_trouble_are_in_the_timeline(ada):
    post_all([payload(name) for name in PURCHASE])
    subscription = Payment.objects.get().subscription_id
    SubscriptionChange.objects.create(user=ada, subscription_id=subscription, action="cancel")
    StripeEvent.objects.filter(type="invoice.paid").update(status="failed", error="ValueError")
    money = [
        entry.what
        for source in timeline_sources
        if source.category == "money"
        for entry in source.entries(ada, Stretch(limit=9))
    ]
    assert "invoice.paid" in money
    assert "checkout.session.completed" not in money
    assert any(what.startswith("Subscription: cancel") for what in money)


@pytest.mark.parametrize("story", ["refund-failed", "dispute", "early-fraud-warning", "dunning", "cancel-and-resume"])
def test_every_entry_leads_to_its_row_and_to_stripe(ada, staff_client, story):
    tell(ada, story)
    for entry in entries(ada):
        assert staff_client.get(entry.url).status_code == 200, entry
        if not entry.what.startswith("Checkout"):
            [link] = entry.links
            assert link.url.startswith("https://dashboard.stripe.com/test/"), entry
    page = staff_client.get(reverse("admin:accounts_user_change", args=[ada.pk]))
    for fact in page.context["facts"]:
        assert not fact.url or staff_client.get(fact.url).status_code == 200, fact


def test_head_shows_the_plan_and_what_is_owed(ada):
    assert facts(ada) == {"Plan: No subscription", "Payments: Nothing due"}
    tell(ada, "dunning", events=-3)
    assert {"Plan: Pro Payment missing", "Payments: $29.00 Payment due"} <= facts(ada)


def test_head_shows_an_open_dispute(ada):
    tell(ada, "dispute")
    assert "Dispute: $29.00 Needs a response" in facts(ada)
    assert "Payments: Nothing due" not in facts(ada)


def send(client, user, name):
    preview = client.post(reverse("admin:accounts_user_email", args=[user.pk]), {"name": name})["Location"]
    for _ in range(2):
        assert client.post(preview).status_code == 302
    return client.get(reverse("admin:accounts_user_change", args=[user.pk]))


def test_staff_send_a_receipt_again_with_the_same_content(ada, staff_client):
    tell(ada, "purchase")
    [first] = OutboundEmail.objects.filter(kind="receipt")
    payment = Payment.objects.get()
    [email] = staff_emails(ada)
    assert (email.name, email.label.split()[:2]) == (f"receipt:{payment.stripe_id}", ["Receipt", "for"])
    assert email.render is not None
    assert email.render().subject == first.subject
    send(staff_client, ada, email.name)
    again = OutboundEmail.objects.filter(kind="receipt").exclude(pk=first.pk).get()
    assert (again.subject, again.message.text) == (first.subject, first.message.text)
    assert again.person == str(ada.pk)
    assert LogEntry.objects.filter(object_id=str(ada.pk)).count() == 1


def test_receipt_is_not_offered_without_its_data(ada):
    tell(ada, "purchase")
    for body in ("{}", ""):
        StripeEvent.objects.update(body=body)
        assert [*staff_emails(ada)] == []


def test_staff_remind_of_a_payment_only_while_it_is_missing(ada, staff_client):
    tell(ada, "dunning", events=-3)
    [reminder] = [email for email in staff_emails(ada) if email.name.startswith("reminder:")]
    count = OutboundEmail.objects.filter(kind=reminder.kind).count()
    send(staff_client, ada, reminder.name)
    assert OutboundEmail.objects.filter(kind=reminder.kind).count() == count + 1
    Payment.objects.filter(status="failed").update(status="paid", amount=0)
    assert [email for email in staff_emails(ada) if email.name.startswith("reminder:")] == []


def test_fraud_warning_without_a_version_has_the_time_of_the_warning(ada):
    tell(ada, "purchase")
    at = timezone.now() - timedelta(days=3)
    EarlyFraudWarning.objects.create(pk="issfr_1", payment=Payment.objects.get(), fraud_type="misc", warned_at=at)
    assert [entry.at for entry in entries(ada) if entry.what == "Early fraud warning"] == [at]


def test_years_of_refunds_cost_few_queries(ada, django_assert_max_num_queries):
    now = timezone.now()
    for number in range(30):
        name = f"ch_{number}"
        Payment.objects.create(
            stripe_id=f"in_{number}", user=ada, status="paid", amount=900, currency="usd", charge=name, paid_at=now
        )
        RefundedCharge.objects.create(pk=name, charge=name, currency="usd", amount=900, refunds={f"re_{number}": 900})
    with django_assert_max_num_queries(30):
        assert len([entry for entry in entries(ada) if entry.what == "Refund of $9.00"]) == 30


def test_apps_that_are_made_ready_again_register_nothing_twice():
    before = [len(timeline_sources), len(fact_sources), len(deletion_guards), len(navigation_links)]
    apps.get_app_config("billing").ready()
    assert [len(timeline_sources), len(fact_sources), len(deletion_guards), len(navigation_links)] == before
