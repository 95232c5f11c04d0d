"""The end of a trial is announced by our own task if Stripe's event never arrives, and never twice."""

import time

import pytest

from billing.tasks import keep_deadlines
from billing.tests.support.stripe_events import GENERATIONS, changed, payload, post

NOW = int(time.time())
DAY = 86400
END = NOW + 2 * DAY
KEY = f"trial:sub_1SPb7zKq4RtYw2Vd:{END}"
NO_CARD = {
    "default_payment_method": None,
    "default_source": None,
    "trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}},
}


def trial(generation, event_type="customer.subscription.updated", **values):
    event = payload("customer_subscription_trial_will_end", generation)
    return changed(event, event_type, **{"status": "trialing", "trial_end": END, "created": NOW, **values})


@pytest.fixture(autouse=True)
def known_customer(ada):
    post(changed(payload("invoice_paid_first"), id="in_earlier", amount_paid=0, amount_due=0))


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize(("values", "expected"), [({}, "We'll charge $29.00"), (NO_CARD, "add a card before then")])
def test_task_sends_what_the_event_would_have(queued_emails, generation, values, expected):
    post(trial(generation, **values))
    for _ in range(2):
        keep_deadlines()
    assert list(queued_emails()) == [KEY]
    assert expected in queued_emails()[KEY].message.text
    assert int(queued_emails()[KEY].expires_at.timestamp()) == END
    post(trial(generation, "customer.subscription.trial_will_end"))
    assert list(queued_emails()) == [KEY]


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"status": "active"}, id="not a trial"),
        pytest.param({"status": "canceled"}, id="ended"),
        pytest.param({"trial_end": NOW - 60}, id="has passed"),
        pytest.param({"trial_end": NOW + 3 * DAY}, id="Stripe's event is due"),
        pytest.param({"trial_end": NOW + 20 * DAY}, id="later"),
        pytest.param({"trial_end": None}, id="no end"),
    ],
)
def test_task_sends_nothing_too_early_or_too_late(queued_emails, generation, values):
    post(trial(generation, **values))
    keep_deadlines()
    assert queued_emails() == {}


def test_extended_trial_is_announced_again(queued_emails):
    post(trial("new"))
    keep_deadlines()
    post(trial("new", trial_end=END + 3600, created=NOW + 1))
    keep_deadlines()
    assert len(queued_emails()) == 2
