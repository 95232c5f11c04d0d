"""Whoever pays for the first time is tagged at the marketing side, where that is switched on."""

import pytest

from billing.tests.support.stripe_events import changed, payload, post, post_all
from emails.models import ContactChange


@pytest.fixture
def tagged(settings):
    """The addresses that were tagged so far."""
    settings.CONTACTS_SYNC = True
    settings.EMAIL_PROVIDER, settings.SEQUENZY_API_KEY = "sequenzy", "seq_key"

    def tagged() -> list[str]:
        tags = ContactChange.objects.filter(action=ContactChange.Action.ADD_TAG, content={"tag": "customer"})
        return list(tags.order_by("pk").values_list("address", flat=True))

    return tagged


def test_first_payment_tags_the_user(ada, tagged):
    post_all([payload("invoice_paid_first"), payload("invoice_payment_succeeded_first")])
    assert tagged() == ["ada@own.example"]


def test_second_payment_tags_nobody(ada, tagged):
    first = payload("invoice_paid_first")
    post_all([first, changed(first, id="in_second"), payload("invoice_payment_failed_renewal")])
    assert tagged() == ["ada@own.example"]


def test_guest_is_tagged_at_the_address_in_the_event(db, tagged):
    post_all([payload("invoice_paid_first"), payload("checkout_session_completed_payment_guest")])
    assert tagged() == ["ada@example.com", "guest@example.net"]


def test_failed_payment_tags_nobody(ada, tagged):
    post(payload("invoice_payment_failed_renewal"))
    assert tagged() == []


def test_nobody_is_tagged_while_sync_is_off(ada, tagged, settings):
    settings.CONTACTS_SYNC = False
    post(payload("invoice_paid_first"))
    assert tagged() == []
