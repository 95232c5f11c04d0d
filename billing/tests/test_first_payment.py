"""The first payment tags the buyer as a contact if contact sync is on."""

import pytest

from billing.tests.support.stripe_events import changed, payload, post, post_all
from emails.models import ContactChange


@pytest.fixture
def tagged_addresses(settings):
    """Switch contact sync on, and return a function that lists the addresses tagged so far."""
    settings.CONTACTS_SYNC = True
    settings.EMAIL_PROVIDER, settings.SEQUENZY_API_KEY = "sequenzy", "seq_key"

    def tagged_addresses() -> list[str]:
        tags = ContactChange.objects.filter(action=ContactChange.Action.ADD_TAG, content={"tag": "customer"})
        return list(tags.order_by("pk").values_list("address", flat=True))

    return tagged_addresses


def test_first_payment_tags_the_user(ada, tagged_addresses):
    post_all([payload("invoice_paid_first"), payload("invoice_payment_succeeded_first")])
    assert tagged_addresses() == ["ada@own.example"]


def test_second_payment_tags_nobody(ada, tagged_addresses):
    first = payload("invoice_paid_first")
    post_all([first, changed(first, id="in_second"), payload("invoice_payment_failed_renewal")])
    assert tagged_addresses() == ["ada@own.example"]


def test_guest_is_tagged_at_the_address_in_the_event(db, tagged_addresses):
    post_all([payload("invoice_paid_first"), payload("checkout_session_completed_payment_guest")])
    assert tagged_addresses() == ["ada@example.com", "guest@example.net"]


def test_failed_payment_tags_nobody(ada, tagged_addresses):
    post(payload("invoice_payment_failed_renewal"))
    assert tagged_addresses() == []


def test_nobody_is_tagged_while_sync_is_off(ada, tagged_addresses, settings):
    settings.CONTACTS_SYNC = False
    post(payload("invoice_paid_first"))
    assert tagged_addresses() == []
