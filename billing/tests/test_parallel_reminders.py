"""Workers and events at the same moment send each reminder once."""

import pytest

from accounts.models import User
from billing.models import Card, Subscription
from billing.tasks import keep_deadlines
from billing.tests import test_card_reminders as card_events
from billing.tests import test_renewal_reminders as renewal_events
from billing.tests import test_trial_reminders as trial_events
from billing.tests.support.parallel import run_in_parallel
from billing.tests.support.stripe_events import post
from emails.models import OutboundEmail


@pytest.fixture
def ada(shared_database):
    return User.objects.create_user("ada@own.example", "correct horse battery", name="Ada", pk=7)


def test_parallel_workers_and_events_send_each_reminder_once(ada, settings):
    settings.BILLING_CARD_REMINDER_DAYS = 40
    post(renewal_events.subscription())
    post(trial_events.trial("new", id="sub_trial"))
    post(card_events.method())  # the customer is known by now
    events = [
        renewal_events.upcoming(),
        trial_events.trial("new", "customer.subscription.trial_will_end", id="sub_trial"),
        card_events.method("customer.source.expiring"),
    ]
    run_in_parallel(*[keep_deadlines] * 3, *[lambda event=event: post(event) for event in events])
    keep_deadlines()
    kinds = OutboundEmail.objects.exclude(kind="welcome").order_by("kind").values_list("kind", flat=True)
    assert list(kinds) == ["card_expiring", "renewal_reminder", "trial_ending"]
    assert Card.objects.filter(announced_expiry=None).count() == 0
    assert Subscription.objects.filter(announced_renewal=None, announced_trial_end=None).count() == 0
