"""The endpoint POST /stripe/webhook: its responses, and what it stores.

``payload("invoice_paid_first")`` reads an event as Stripe documents it from payloads/, ``changed()`` returns a copy
with other values, and ``post()`` signs an event and posts it. ``queued_emails()`` returns billing's emails in the
outbox, and ``ada`` is the user that the payloads refer to.
"""

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
def test_slash_is_optional(db, path):
    response = post(payload("invoice_paid_first"), path=path)
    assert (response.status_code, response.json()) == (200, {"received": True})


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_other_method_responds_405(db, method):
    assert getattr(Client(), method)("/stripe/webhook").status_code == 405


def test_no_login_and_no_csrf_token_is_needed(db, settings):
    settings.MIDDLEWARE = [*project.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    client = Client(enforce_csrf_checks=True)
    assert post(payload("invoice_paid_first"), client).status_code == 200


def test_atomic_requests_cannot_roll_back_a_stored_event():
    """If a project sets ATOMIC_REQUESTS, a failing handler must not roll back the event, which is retried later."""
    assert vars(stripe_webhook)["_non_atomic_requests"] == {"default"}


def test_missing_secret_responds_503_and_names_the_variable(db, settings, caplog):
    settings.STRIPE_WEBHOOK_SECRETS = []
    assert post(payload("invoice_paid_first")).status_code == 503
    assert "Set STRIPE_WEBHOOK_SECRETS" in caplog.text


def test_too_large_body_is_refused(db):
    event = payload("invoice_paid_first") | {"padding": "x" * 600_000}
    assert post(event).status_code == 413
    assert not StripeEvent.objects.exists()


def test_each_of_several_secrets_is_accepted(db, settings):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", SECRET]
    assert post(payload("invoice_paid_first")).status_code == 200


@pytest.mark.parametrize("event", all_payloads(), ids=lambda event: f"{event['type']}-{event['api_version'][:4]}")
def test_every_documented_event_is_processed(ada, event):
    assert post(event).status_code == 200
    row = StripeEvent.objects.get()
    assert row.status == "processed"
    assert row.note == ""
    assert row.error == ""
    assert row.due_at is None
    assert json.loads(row.body) == event


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"type": "product.created"}, "This type has no handler."),
        ({"account": "acct_1Connected"}, "It belongs to the connected account acct_1Connected."),
        ({"livemode": False}, "It is a test mode event, which this installation doesn't accept."),
    ],
)
def test_irrelevant_event_is_stored_with_the_reason(db, settings, change, note):
    settings.STRIPE_LIVEMODE = True
    assert post(payload("invoice_paid_first") | change).status_code == 200
    row = StripeEvent.objects.get()
    assert (row.status, row.note) == ("processed", note)
    assert not OutboundEmail.objects.exists()


def test_both_modes_are_accepted_if_mode_is_unset(db, queued_emails):
    post_all([payload("invoice_paid_first"), payload("checkout_session_completed_payment_guest") | {"livemode": False}])
    assert len(queued_emails()) == 2


@pytest.mark.parametrize(
    "event_object",
    [{}, {"id": None}, {"id": 7}, {"id": {"id": []}}, None, [], "in_1", 7],
)
@pytest.mark.parametrize(
    "event_type",
    [
        "invoice.paid",
        "invoice.payment_failed",
        "customer.subscription.deleted",
        "checkout.session.completed",
        "refund.created",
        "charge.refunded",
        "customer.deleted",
        "invoice_payment.paid",
    ],
)
def test_object_without_id_changes_nothing(db, event_type, event_object):
    event = payload("invoice_paid_first") | {"type": event_type, "data": {"object": event_object}}
    assert post(event).status_code == 200
    assert StripeEvent.objects.get().status in ("processed", "received")
    assert not OutboundEmail.objects.exists()


# NUL can't be stored in PostgreSQL, "\\ud800" is half of a surrogate pair, and 10**40 is beyond every date and bigint.
ODD_VALUES: list[Any] = [None, "", "x\x00y", "\ud800", 7, -1, 10**40, 1.5, True, [], {}, [{}], {"id": "x"}, {"data": 1}]


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(2, 6))])
def test_unexpected_field_types_break_nothing(ada, seed):
    """Each field of each documented event, in turn, gets a value that is random but the same in every run."""
    choose = random.Random(seed).choice
    for original in all_payloads():
        for name in sorted(original["data"]["object"].keys() - {"id"}):
            assert post(changed(original, **{name: choose(ODD_VALUES)})).status_code == 200, name
    assert [*StripeEvent.objects.filter(status="failed").values_list("type", "error")] == []


def test_event_about_deleted_user_uses_its_address(db, queued_emails):
    event = payload("invoice_paid_first")
    # No user can have this ID, because it exceeds the range of the column.
    event["data"]["object"]["parent"]["subscription_details"]["metadata"] = {"user_id": "99999999999999999999999"}
    assert post(event).status_code == 200
    assert [email.recipients for email in queued_emails().values()] == ["ada@example.com"]


def test_client_reference_id_links_nobody(ada, queued_emails):
    """Buyers can set client_reference_id in the URL of a payment link."""
    event = payload("checkout_session_completed_payment_guest")
    post(changed(event, client_reference_id="7"))
    [email] = queued_emails().values()
    assert (email.recipients, email.person) == ("guest@example.net", None)
