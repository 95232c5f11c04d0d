"""Every state has words of its own, so that staff can tell it from the others without its color."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.utils import timezone

from common.badges import State, Tone
from emails.models import ContactChange, DeliveryAttempt, DeliveryEvent, OutboundEmail, Reason, Status, Suppression
from emails.support import states

TABLES = {
    "status and reason": ({**states.STATUSES, **states.REASONS}, [*Status, *Reason]),
    "outcome": (states.OUTCOMES, DeliveryAttempt.Outcome),
    "provider": (states.PROVIDERS, ["ok", "paused", "open", "misconfigured", "over_quota"]),
    "event": (states.EVENTS, DeliveryEvent.Type),
    "suppression": (states.SUPPRESSIONS, Suppression.Scope),
    "cause": (states.CAUSES, Suppression.Cause),
}


def labels(table: Mapping[str, State]) -> list[str]:
    return [str(state.label) for state in table.values()]


@pytest.mark.parametrize("name", TABLES)
def test_every_value_has_a_state_of_its_own(name):
    table, values = TABLES[name]
    assert set(table) == {str(value) for value in values}
    assert len(set(labels(table))) == len(table)


@pytest.mark.parametrize("name", TABLES)
def test_labels_are_words_and_fit_a_column(name):
    for label in labels(TABLES[name][0]):
        assert "_" not in label
        assert label[0].isupper()
        assert len(label) <= 26


@pytest.mark.parametrize(
    ("status", "reason", "label"),
    [
        ("queued", "", "Queued"),
        ("queued", "transient", "Retrying"),
        ("sending", "unknown", "No clear response"),
        ("failed", "outcome_unknown", "Outcome unknown"),
        ("delivered", "transient", "Delivered"),  # the reason is from before
    ],
)
def test_reason_explains_a_message_until_it_is_sent(status, reason, label):
    assert states.state_of(OutboundEmail(status=status, reason=reason)).label == label


def test_sent_contact_change_is_finished():
    assert states.state_of(ContactChange(status="sent")).tone == Tone.GOOD
    assert states.state_of(OutboundEmail(status="sent")).tone == Tone.BUSY


def test_suppression_ends():
    now = timezone.now()
    row = Suppression(scope="everything", until=now + timedelta(days=1))
    assert states.suppression_state(row, now).label == "Gets no email"
    assert states.suppression_state(row, now + timedelta(days=2)).label == "Ended"
