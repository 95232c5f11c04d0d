"""Payments that failed: one mail for each try, and none once the invoice is paid."""

import pytest

from billing.models import Payment
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post, post_all

INVOICE = "in_1SaT00Kq4RtYw2VdRenewal02"


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_failed_renewal_says_when_it_is_tried_again(ada, mails, generation):
    post(payload("invoice_payment_failed_renewal", generation))
    mail = mails()[f"dunning:{INVOICE}:1"]
    assert mail.kind == "payment_failed"
    assert "29.00 USD" in mail.subject
    assert "We'll try again on Dec. 5, 2026" in mail.message.text
    assert "https://invoice.stripe.com/i/" in mail.message.text


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_last_try_asks_to_pay_here(ada, mails, generation):
    post(payload("invoice_payment_failed_final", generation))
    mail = mails()[f"dunning:{INVOICE}:4"]
    assert "We won't try again automatically. To keep your access, please pay here" in mail.message.text
    assert "try again on" not in mail.message.text


def test_each_try_has_a_mail_of_its_own(ada, mails):
    post_all([payload("invoice_payment_failed_renewal"), payload("invoice_payment_failed_final")])
    assert sorted(mails()) == [f"dunning:{INVOICE}:1", f"dunning:{INVOICE}:4"]


@pytest.mark.parametrize("types", [("failed", "action_required"), ("action_required", "failed")])
def test_one_try_that_both_events_tell_of_has_one_mail(ada, mails, types):
    failed = payload("invoice_payment_failed_renewal")
    post_all([changed(failed, f"invoice.payment_{name}") for name in types])
    [mail] = mails().values()
    assert mail.kind == ("payment_failed" if types[0] == "failed" else "payment_action_required")


def test_a_late_failure_of_a_paid_invoice_is_silent(ada, mails):
    failed = payload("invoice_payment_failed_renewal")
    post(changed(failed, "invoice.paid", status="paid", amount_paid=2900))
    post_all([failed, changed(failed, "invoice.payment_action_required", attempt_count=2)])
    assert list(mails()) == [f"receipt:{INVOICE}"]
    assert Payment.objects.get().status == "paid"


def test_an_invoice_that_failed_and_was_paid_has_both_mails_and_is_paid(ada, mails):
    failed = payload("invoice_payment_failed_renewal")
    post_all([failed, changed(failed, "invoice.paid", status="paid", amount_paid=2900)])
    assert sorted(mails()) == [f"dunning:{INVOICE}:1", f"receipt:{INVOICE}"]
    assert Payment.objects.get().status == "paid"


def test_without_a_link_of_stripes_the_mail_leads_to_our_own_page(ada, mails):
    post(changed(payload("invoice_payment_failed_renewal"), hosted_invoice_url=None))
    [mail] = mails().values()
    assert "Pay now: https://app.example.com/billing" in mail.message.text
