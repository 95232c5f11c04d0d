"""The web process is killed while it handles Stripe's events, or the database is unavailable: every email is sent once.

Stripe sends the events again, or the sweep finds them.
"""

from collections.abc import Iterator

import pytest

from billing.tests.support.stripe_events import changed, payload
from tests.support.faults import refusing_connections
from tests.support.stack import POSTGRES, temporary_database
from tests.support.stripe_endpoint import StripeEndpoint

EVENTS = 8
LATER = "UPDATE billing_stripeevent SET due_at = '2000-01-01 00:00:00' WHERE due_at IS NOT NULL"


@pytest.fixture
def endpoint(tmp_path) -> Iterator[StripeEndpoint]:
    with StripeEndpoint(tmp_path, f"sqlite:///{tmp_path}/stripe.sqlite3") as endpoint:
        yield endpoint.prepare(with_user=True)


@pytest.mark.parametrize("failpoint", ["after-store", "after-insert"])
def test_killed_process_loses_nothing_and_sends_nothing_twice(endpoint, failpoint):
    """``after-insert``: the email is in the outbox, and the transaction is still open."""
    events = [changed(payload("invoice_paid_first"), id=f"in_{number}") for number in range(EVENTS)]
    endpoint.restart_with(f"{failpoint}:1")
    assert endpoint.post(events[0]) == 0
    assert endpoint.email_keys() == []
    endpoint.restart_with(f"{failpoint}:0.3")
    responses = [endpoint.post(event) for event in events[1:]]
    endpoint.restart_with("")
    responses += [endpoint.post(event) for event in events[1::2]]  # Stripe sends some of them again
    with endpoint.connect() as connection:
        connection.execute(LATER)
    endpoint.sweep()
    print(f"{failpoint}: {responses.count(0)} of {len(responses)} deliveries killed their process")
    assert endpoint.email_keys() == [f"receipt:in_{number}" for number in range(EVENTS)]


def test_database_outage_makes_stripe_retry_and_loses_nothing(tmp_path, migrated_database):
    events = [changed(payload("invoice_paid_first"), id=f"in_{number}") for number in range(EVENTS)]
    with temporary_database(migrated_database) as name, StripeEndpoint(tmp_path, f"{POSTGRES}/{name}") as endpoint:
        endpoint.start_web()
        assert {endpoint.post(event) for event in events[:2]} == {200}
        with refusing_connections(name):
            assert {endpoint.post(event) for event in events} == {503}
        assert {endpoint.post(event) for event in events} == {200}
        assert endpoint.email_keys() == [f"receipt:in_{number}" for number in range(EVENTS)]
