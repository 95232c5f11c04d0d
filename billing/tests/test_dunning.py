"""Failed payments: one email per attempt, and none once the invoice is paid."""

import pytest

from billing.models import Payment
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post, post_all

INVOICE = "in_1SaT00Kq4RtYw2VdRenewal02"


@pytest.mark.parametrize("generation", GENERATIONS)
def test_failed_renewal_email_names_the_next_attempt(ada, queued_emails, generation):
    post(payload("invoice_payment_failed_renewal", generation))
    email = queued_emails()[f"dunning:{INVOICE}:1"]
    assert email.kind == "payment_failed"
    assert "$29.00" in email.subject
    assert "We'll try again on Dec. 5, 2026" in email.message.text
    assert "https://invoice.stripe.com/i/" in email.message.text


@pytest.mark.parametrize("generation", GENERATIONS)
def test_final_failure_email_asks_to_pay(ada, queued_emails, generation):
    post(payload("invoice_payment_failed_final", generation))
    email = queued_emails()[f"dunning:{INVOICE}:4"]
    assert "We won't try again automatically. Please pay here." in email.message.text
    assert "try again on" not in email.message.text


def test_each_attempt_gets_its_own_email(ada, queued_emails):
    post_all([payload("invoice_payment_failed_renewal"), payload("invoice_payment_failed_final")])
    assert sorted(queued_emails()) == [f"dunning:{INVOICE}:1", f"dunning:{INVOICE}:4"]


@pytest.mark.parametrize("types", [("failed", "action_required"), ("action_required", "failed")])
def test_two_events_about_one_attempt_send_one_email(ada, queued_emails, types):
    failed = payload("invoice_payment_failed_renewal")
    post_all([changed(failed, f"invoice.payment_{name}") for name in types])
    [email] = queued_emails().values()
    assert email.kind == ("payment_failed" if types[0] == "failed" else "payment_action_required")


def test_late_failure_of_a_paid_invoice_sends_nothing(ada, queued_emails):
    failed = payload("invoice_payment_failed_renewal")
    post(changed(failed, "invoice.paid", status="paid", amount_paid=2900))
    post_all([failed, changed(failed, "invoice.payment_action_required", attempt_count=2)])
    assert list(queued_emails()) == [f"receipt:{INVOICE}"]
    assert Payment.objects.get().status == "paid"


def test_failed_then_paid_invoice_sends_both_emails(ada, queued_emails):
    failed = payload("invoice_payment_failed_renewal")
    post_all([failed, changed(failed, "invoice.paid", status="paid", amount_paid=2900)])
    assert sorted(queued_emails()) == [f"dunning:{INVOICE}:1", f"receipt:{INVOICE}"]
    assert Payment.objects.get().status == "paid"


def test_email_links_to_our_page_without_an_invoice_link(ada, queued_emails):
    post(changed(payload("invoice_payment_failed_renewal"), hosted_invoice_url=None))
    [email] = queued_emails().values()
    assert "Pay now: https://app.example.com/billing" in email.message.text
