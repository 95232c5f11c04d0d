"""Disputes mark their payment and call for staff, in any order of events."""

import logging
from itertools import permutations

import pytest
from django.db import transaction
from django.test import Client

from accounts.tests.support.browser import text_of
from billing.models import Payment, StripeEvent
from billing.tests.support.api_client import BillingClient
from billing.tests.support.stripe_events import GENERATIONS, payload, post, post_all
from billing.tests.test_refunds import CHARGE, INTENT, event

pytestmark = pytest.mark.parametrize("generation", GENERATIONS)


def dispute(what, status, **values):
    fields = {"id": "du_1", "object": "dispute", "amount": 2900, "currency": "usd", "reason": "fraudulent"}
    fields |= {"charge": CHARGE, "payment_intent": INTENT, "status": status, **values}
    return event(f"charge.dispute.{what}", f"evt_{what}_{status}", **fields)


@pytest.fixture(autouse=True)
def paid_invoice(ada, generation):
    post_all([payload("invoice_paid_first", generation), payload("invoice_payment_paid")])


def badge(ada):
    client = Client()
    client.force_login(ada)
    return text_of(client.get("/billing")).rpartition("Pro $29.00 ")[2].split()[0]


def test_dispute_marks_the_payment_and_calls_staff(ada, caplog, generation):
    with caplog.at_level(logging.ERROR):
        post(dispute("created", "needs_response"))
    assert "Dispute du_1 about in_1SPb7xKq4RtYw2VdA1b2C3d4 is needs_response" in caplog.text
    assert badge(ada) == "Disputed"
    [payment] = BillingClient(ada).get("payments/").json()["results"]
    assert payment["dispute_status"] == "needs_response"
    assert StripeEvent.objects.get(type="charge.dispute.created").note == ""


@pytest.mark.parametrize(
    ("status", "expected"),
    [("won", "Paid"), ("warning_closed", "Paid"), ("lost", "Disputed"), ("under_review", "Disputed")],
)
def test_last_status_decides_in_any_order(ada, generation, status, expected):
    events = [
        dispute("created", "needs_response"),
        dispute("funds_withdrawn", "needs_response"),
        dispute("closed", status),
    ]
    for order in permutations(events):
        with transaction.atomic():
            post_all(order)
            assert badge(ada) == expected
            assert Payment.objects.get().dispute_status == status
            transaction.set_rollback(True)


@pytest.mark.parametrize("names", [{"charge": None}, {"payment_intent": INTENT, "charge": "ch_other"}])
def test_dispute_is_found_by_its_payment_intent(ada, generation, names):
    post(dispute("created", "needs_response", **names))
    assert Payment.objects.get().is_disputed


def test_dispute_of_another_product_is_not_reported(ada, caplog, generation):
    with caplog.at_level(logging.ERROR):
        post(dispute("created", "needs_response", charge="ch_theirs", payment_intent="pi_theirs"))
    assert "Dispute" not in caplog.text
    assert not Payment.objects.get().is_disputed
