"""POST /stripe/webhook: what is answered to whom, and what is stored."""

import json
import random
from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client

from billing.models import StripeEvent
from billing.tests.support.stripe_events import SECRET, all_payloads, changed, payload, post, post_all
from billing.webhook.views import stripe_webhook
from emails.models import OutboundEmail


@pytest.mark.parametrize("path", ["/stripe/webhook", "/stripe/webhook/"])
def test_both_spellings_of_the_path_answer_without_a_redirect(db, path):
    answer = post(payload("invoice_paid_first"), path=path)
    assert (answer.status_code, answer.json()) == (200, {"received": True})


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_any_other_method_is_answered_405(db, method):
    assert getattr(Client(), method)("/stripe/webhook").status_code == 405


def test_no_token_no_session_and_no_cookie_is_needed(db, settings):
    settings.MIDDLEWARE = [*project.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    client = Client(enforce_csrf_checks=True)
    assert post(payload("invoice_paid_first"), client).status_code == 200


def test_a_transaction_around_every_request_cannot_take_a_stored_event_with_it():
    """ATOMIC_REQUESTS would roll it back when a handler fails."""
    assert vars(stripe_webhook)["_non_atomic_requests"] == {"default"}


def test_without_a_secret_the_answer_names_what_to_set(db, settings, caplog):
    settings.STRIPE_WEBHOOK_SECRETS = []
    assert post(payload("invoice_paid_first")).status_code == 503
    assert "set STRIPE_WEBHOOK_SECRETS" in caplog.text


def test_a_body_has_a_limit(db):
    event = payload("invoice_paid_first") | {"padding": "x" * 600_000}
    assert post(event).status_code == 413
    assert not StripeEvent.objects.exists()


def test_each_of_several_secrets_counts(db, settings):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", SECRET]
    assert post(payload("invoice_paid_first")).status_code == 200


@pytest.mark.parametrize("event", all_payloads(), ids=lambda event: f"{event['type']}-{event['api_version'][:4]}")
def test_every_documented_event_is_taken_and_handled(ada, event):
    assert post(event).status_code == 200
    row = StripeEvent.objects.get()
    assert (row.status, row.note, row.error, row.due_at) == ("processed", "", "", None)
    assert json.loads(row.body) == event


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"type": "product.created"}, "This type has no handler."),
        ({"account": "acct_1Connected"}, "It belongs to the connected account acct_1Connected."),
        ({"livemode": False}, "It is a test mode event, which this installation doesn't accept."),
    ],
)
def test_what_is_not_for_us_is_stored_with_the_reason_and_changes_nothing(db, settings, change, note):
    settings.STRIPE_LIVEMODE = True
    assert post(payload("invoice_paid_first") | change).status_code == 200
    row = StripeEvent.objects.get()
    assert (row.status, row.note) == ("processed", note)
    assert not OutboundEmail.objects.exists()


def test_where_the_mode_is_not_set_both_are_served(db, mails):
    post_all([payload("invoice_paid_first"), payload("checkout_session_completed_payment_guest") | {"livemode": False}])
    assert len(mails()) == 2


@pytest.mark.parametrize(
    "about",
    [{}, {"id": None}, {"id": 7}, {"id": {"id": []}}, None, [], "in_1", 7],
)
@pytest.mark.parametrize("event_type", ["invoice.paid", "invoice.payment_failed", "customer.subscription.deleted",
                                        "checkout.session.completed", "refund.created", "charge.refunded",
                                        "customer.deleted", "invoice_payment.paid"])  # fmt: skip
def test_an_object_without_an_id_is_stored_and_changes_nothing(db, event_type, about):
    event = payload("invoice_paid_first") | {"type": event_type, "data": {"object": about}}
    assert post(event).status_code == 200
    assert StripeEvent.objects.get().status in ("processed", "received")
    assert not OutboundEmail.objects.exists()


ODD_VALUES: list[Any] = [None, "", "x\x00y", "\ud800", 7, -1, 10**40, 1.5, True, [], {}, [{}], {"id": "x"}, {"data": 1}]


@pytest.mark.parametrize("seed", range(2))
def test_fields_of_any_type_break_nothing(ada, seed):
    choose = random.Random(seed).choice
    for original in all_payloads():
        for name in sorted(original["data"]["object"].keys() - {"id"}):
            assert post(changed(original, **{name: choose(ODD_VALUES)})).status_code == 200, name
    assert [*StripeEvent.objects.filter(status="failed").values_list("type", "error")] == []


def test_an_event_about_a_user_who_is_gone_is_for_the_address_in_it(db, mails):
    event = payload("invoice_paid_first")
    event["data"]["object"]["parent"]["subscription_details"]["metadata"] = {"user_id": "99999999999999999999999"}
    assert post(event).status_code == 200
    assert [mail.recipients for mail in mails().values()] == ["ada@example.com"]


def test_a_clients_own_reference_links_nobody(ada, mails):
    """Buyers can set it in the URL of a payment link."""
    event = payload("checkout_session_completed_payment_guest")
    post(changed(event, client_reference_id="7"))
    [mail] = mails().values()
    assert (mail.recipients, mail.metadata) == ("guest@example.net", {})
