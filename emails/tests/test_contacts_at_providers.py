"""The same changes of contacts at all three providers, and what each can't do."""

from datetime import timedelta

import pytest
from django.utils import timezone

from emails import contacts
from emails.backends.contacts.client import log_gap
from emails.backends.contacts.fields import log_left_out
from emails.models import ContactChange, Status
from emails.tests.support.clock import travel

ADA = "ada+news@example.com"
NEW = "ada@new.example"


@pytest.fixture(autouse=True)
def forget_logged_gaps():
    log_gap.cache_clear()
    log_left_out.cache_clear()


@pytest.fixture
def api(contacts_at):
    """Provide the contacts API of each provider in turn, with contact sync on."""
    return contacts_at


@pytest.fixture
def only(request, sync_contacts):
    """Provide the contacts API of one provider: ``@pytest.mark.parametrize("only", ["resend"], indirect=True)``."""
    return sync_contacts(request.param)


def statuses() -> list[str]:
    return [*ContactChange.objects.order_by("pk").values_list("status", flat=True)]


def test_subscribe_creates_a_contact(api, deliver):
    contacts.subscribe(ADA, tags=["signed-up"], attributes={"plan": "free"}, first_name="Ada", external_id="7")
    deliver()
    assert statuses() == [Status.SENT]
    assert api.state_of(ADA) == {"is_subscribed": True, "first_name": "Ada", "attributes": {"plan": "free"}}


def test_subscribe_without_details_creates_a_contact(api, deliver):
    contacts.subscribe(ADA)
    contacts.subscribe(ADA)
    deliver()
    assert statuses() == [Status.SENT] * 2
    assert api.state_of(ADA)["is_subscribed"]


def test_update_changes_only_its_attributes(api, deliver):
    contacts.subscribe(ADA, attributes={"plan": "free", "source": "signup"}, first_name="Ada")
    contacts.update(ADA, {"plan": "pro", "seats": 3})
    deliver()
    attributes = {"plan": "pro", "source": "signup", "seats": 3}
    assert api.state_of(ADA) == {"is_subscribed": True, "first_name": "Ada", "attributes": attributes}


def test_update_creates_a_missing_contact(api, deliver):
    contacts.update(ADA, {"plan": "pro"})
    deliver()
    assert api.state_of(ADA)["attributes"] == {"plan": "pro"}


def test_forget_deletes_the_contact_and_its_traces(api, deliver):
    contacts.subscribe(ADA, attributes={"plan": "free"})
    contacts.change_address(ADA, NEW, attributes={"plan": "free"})
    deliver()
    contacts.forget(NEW)
    contacts.forget(ADA)
    deliver()
    travel(timedelta(minutes=11))
    deliver()
    assert api.state_of(ADA) is api.state_of(NEW) is None
    assert [*ContactChange.objects.values_list("address", "former_address", "content", "progress")] == [
        ("", "", None, {})
    ] * 2


@pytest.mark.parametrize("change", [contacts.unsubscribe, contacts.forget])
def test_change_to_unknown_contact_succeeds(api, deliver, change):
    change(ADA)
    deliver()
    assert statuses() == [Status.SENT]


def test_address_changes(api, deliver):
    contacts.subscribe(ADA, attributes={"plan": "pro"}, first_name="Ada")
    deliver()
    contacts.change_address(ADA, NEW, attributes={"plan": "pro"}, first_name="Ada")
    deliver()
    travel(timedelta(minutes=11))
    deliver()
    assert api.state_of(ADA) is None
    assert api.state_of(NEW) == {"is_subscribed": True, "first_name": "Ada", "attributes": {"plan": "pro"}}
    assert set(statuses()) == {Status.SENT}


def test_address_of_unknown_contact_changes(api, deliver):
    contacts.change_address(ADA, NEW, attributes={"plan": "pro"})
    deliver()
    assert api.state_of(ADA) is None
    assert api.state_of(NEW)["attributes"] == {"plan": "pro"}


def test_contact_that_has_the_new_address_is_completed(api, deliver):
    contacts.subscribe(ADA, attributes={"plan": "pro"}, first_name="Ada")
    contacts.subscribe(NEW, attributes={"source": "fair"})
    deliver()
    travel(timedelta(minutes=11))
    contacts.change_address(ADA, NEW, attributes={"plan": "pro"})
    deliver()
    assert api.state_of(ADA) is None
    assert api.state_of(NEW)["attributes"] == {"plan": "pro", "source": "fair"}


@pytest.mark.parametrize("has_new", [False, True], ids=["new address is free", "new address is a contact"])
def test_opt_out_that_only_the_provider_knows_moves_along(api, deliver, has_new):
    contacts.subscribe(ADA)
    if has_new:
        contacts.subscribe(NEW)
    deliver()
    api.unsubscribe(ADA)
    contacts.change_address(ADA, NEW, attributes={"plan": "pro"})
    deliver()
    assert not api.state_of(NEW)["is_subscribed"]


def test_changes_of_both_addresses_keep_their_order(api, provider_api, deliver):
    contacts.subscribe(ADA, attributes={"plan": "free"})
    contacts.change_address(ADA, NEW)
    contacts.update(NEW, {"plan": "pro"})
    contacts.subscribe(ADA, attributes={"plan": "team"})  # somebody else signs up with the address
    provider_api.faults = ["cut-before"]
    for _ in range(6):
        deliver()
        travel(timedelta(minutes=11))
    assert api.state_of(NEW)["attributes"] == {"plan": "pro"}
    assert api.state_of(ADA)["attributes"] == {"plan": "team"}


def test_nothing_but_rights_is_reported_while_sync_is_off(api, deliver, settings):
    settings.CONTACTS_SYNC = False
    contacts.subscribe(ADA)
    contacts.update(ADA, {"plan": "pro"})
    contacts.change_address(ADA, NEW)
    assert statuses() == []
    contacts.unsubscribe(ADA)
    contacts.forget(NEW)
    deliver()
    assert statuses() == [Status.SENT] * 2


@pytest.mark.parametrize("only", ["resend", "sendgrid"], indirect=True)
def test_tags_are_left_out_with_one_line_in_the_log(only, deliver, caplog):
    for number in range(3):
        contacts.subscribe(f"person-{number}@example.com", tags=["signed-up"])
        contacts.add_tag(ADA, "customer")
        contacts.remove_tag(ADA, "customer")
    deliver()
    assert [record.message for record in caplog.records if "support" in record.message and record.levelname != "INFO"]
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1
    assert sorted(statuses()) == [Status.CANCELLED] * 6 + [Status.SENT] * 3


@pytest.mark.parametrize("only", ["sendgrid"], indirect=True)
def test_sendgrid_has_no_events(only, deliver, caplog):
    contacts.track_event(ADA, "Invoice paid")
    contacts.track_event(ADA, "Invoice paid")
    deliver()
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "sendgrid doesn't support events of contacts, so they are left out (docs/providers.md)."
    ]
    assert statuses() == [Status.CANCELLED] * 2


@pytest.mark.parametrize("only", ["resend"], indirect=True)
def test_resend_gets_events(only, deliver):
    contacts.track_event(ADA, "subscription_started", {"plan": "pro"})
    contacts.track_event(ADA, "Signed up", occurred_at=timezone.now() - timedelta(days=2))
    deliver()
    assert only.events == [("subscription_started", ADA, {"plan": "pro"})]
    assert statuses() == [Status.SENT, Status.CANCELLED], "an old event would start automations"


@pytest.mark.parametrize("fault", ["cut-after", "timeout-after", "500-after"])
@pytest.mark.parametrize("only", ["resend"], indirect=True)
def test_event_is_not_repeated_at_resend(only, provider_api, deliver, fault):
    contacts.track_event(ADA, "subscription_started")
    provider_api.faults = [fault]
    for _ in range(3):
        deliver()
        travel(timedelta(minutes=10))
    assert len(only.events) == 1
    assert ContactChange.objects.get().reason == "outcome_unknown"


@pytest.mark.parametrize("only", ["resend"], indirect=True)
def test_new_contact_joins_its_segments(only, deliver, settings):
    settings.CONTACTS_LISTS = ["segment_1"]
    contacts.subscribe(ADA, first_name="Ada")
    deliver()
    assert only.segments["segment_1"] == {ADA}


@pytest.mark.parametrize("only", ["sendgrid"], indirect=True)
def test_new_contact_joins_its_lists(only, deliver, settings):
    settings.CONTACTS_LISTS = ["list_1"]
    contacts.subscribe(ADA)
    deliver()
    assert only.contacts[ADA]["list_ids"] == ["list_1"]


VALUES = {"flag": True, "count": 3, "ratio": 0.5, "name": "Zoë", "tree": {"a": [1]}}
AS_FIELDS = {"flag": "true", "count": 3, "ratio": 0.5, "name": "Zoë", "tree": '{"a": [1]}'}


@pytest.mark.parametrize("only", ["resend", "sendgrid"], indirect=True)
def test_missing_fields_are_declared(only, deliver):
    contacts.update(ADA, VALUES)
    contacts.update("bob@example.com", VALUES)  # both look the fields up at the same time
    deliver()
    assert only.state_of(ADA)["attributes"] == only.state_of("bob@example.com")["attributes"] == AS_FIELDS


@pytest.mark.parametrize("name", ["two words", "email", "x" * 101], ids=["space", "reserved", "long"])
@pytest.mark.parametrize("only", ["resend", "sendgrid"], indirect=True)
def test_attribute_that_cannot_be_a_field_is_left_out(only, deliver, caplog, name):
    contacts.update(ADA, {name: "x", "plan": "pro"})
    contacts.update("bob@example.com", {name: "x", "plan": "pro"})
    deliver()
    assert only.state_of(ADA)["attributes"] == {"plan": "pro"}
    assert len([record for record in caplog.records if repr(name) in record.message]) == 1


@pytest.mark.parametrize("only", ["resend", "sendgrid"], indirect=True)
def test_value_of_another_type_than_the_field_is_left_out(only, deliver):
    contacts.update(ADA, {"seats": 3})
    contacts.update(ADA, {"seats": "many", "plan": "pro"})
    deliver()
    assert only.state_of(ADA)["attributes"] == {"seats": 3, "plan": "pro"}


@pytest.mark.parametrize("only", ["resend"], indirect=True)
def test_all_pages_of_declared_properties_are_read(only, deliver):
    only.properties = dict.fromkeys(["a", "b", "plan", "q", "source"], "string")
    contacts.update(ADA, {"plan": "pro", "source": "signup"})
    deliver()
    assert only.state_of(ADA)["attributes"] == {"plan": "pro", "source": "signup"}
    assert [route for method, route, _ in only.requests if method == "POST"] == ["/contacts"]


@pytest.mark.parametrize("status", ["403", "404"])
@pytest.mark.parametrize("only", ["resend", "sendgrid"], indirect=True)
def test_contact_is_synced_without_access_to_fields(only, provider_api, deliver, status):
    provider_api.faults = [status]
    contacts.update(ADA, {"plan": "pro"})
    deliver()
    assert only.state_of(ADA)["attributes"] == {}
    assert statuses() == [Status.SENT]


@pytest.mark.parametrize("only", ["resend"], indirect=True)
def test_property_is_sent_by_name_without_access_to_the_list(only, provider_api, deliver):
    only.properties = {"plan": "string"}
    provider_api.faults = ["404"]
    contacts.update(ADA, {"plan": "pro"})
    deliver()
    assert only.state_of(ADA)["attributes"] == {"plan": "pro"}


@pytest.mark.parametrize("only", ["resend"], indirect=True)
def test_update_goes_on_without_refused_properties(only, provider_api, deliver):
    contacts.subscribe(ADA, first_name="Ada")
    deliver()
    provider_api.faults = ["ok", "404"]  # the former contact, and the list of properties
    contacts.change_address("ada@old.example", ADA, first_name="Augusta", attributes={"plan": "pro"})
    deliver()
    assert only.state_of(ADA) == {"is_subscribed": True, "first_name": "Augusta", "attributes": {}}


@pytest.mark.parametrize("only", ["sendgrid"], indirect=True)
def test_contact_that_is_not_yet_indexed_is_erased(only, deliver):
    only.is_slow = True
    contacts.subscribe(ADA)
    contacts.forget(ADA)
    deliver()
    assert statuses() == [Status.SENT, Status.QUEUED]
    only.finish_jobs()
    travel(timedelta(minutes=11))
    deliver()
    assert only.contacts == {}
    assert statuses() == [Status.SENT]


@pytest.mark.parametrize("only", ["sendgrid"], indirect=True)
def test_long_name_is_cut(only, deliver):
    contacts.subscribe(ADA, first_name="A" * 60)
    deliver()
    assert only.state_of(ADA)["first_name"] == "A" * 50
