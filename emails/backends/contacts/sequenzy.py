"""Sequenzy's contacts: https://docs.sequenzy.com/api-reference (POST /subscribers and the routes below it)

The email address identifies a contact. Sequenzy recognizes a repeated event by its ID.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings

from common.http.pool import Response
from emails.backends.base import Acceptance, Request
from emails.backends.classification import REFUSED as FAILED
from emails.backends.classification import FailureKind
from emails.backends.client import json_body
from emails.backends.contacts.client import (
    MISSING,
    REFUSED,
    Change,
    ContactsClient,
    Requests,
    in_url,
    is_unsubscribed,
    json_call,
)
from emails.backends.sequenzy import SequenzyBackend


class SequenzyContacts(ContactsClient):
    """Changes subscribers.

    Sequenzy limits the calls of each key to 100 per minute. With a separate key, a flood of events can't delay a
    password reset.
    """

    name = "sequenzy_contacts"
    provider = SequenzyBackend.name
    # In effect unlimited, because a repeat of any change is harmless at any time.
    key_lifetime: ClassVar[timedelta] = timedelta(days=3650)
    default_rate = 100 / 60

    @property
    def paced_with(self) -> str:
        return self.name if self.has_own_key else self.provider

    def subscribe(self, change: Change) -> Requests:
        if change.is_opted_out:
            yield from self.unsubscribe(change)
        yield self.create(change)

    def create(self, change: Change) -> Request:
        """Return the call that creates the contact, or fills the empty fields of an existing one."""
        content = change.content
        fields = {
            "email": change.address,
            "tags": content.get("tags", []),
            "customAttributes": content.get("attributes", {}),
            "firstName": content.get("first_name"),
            "externalId": content.get("external_id"),
            # If missing, Sequenzy adds new contacts to its default lists.
            "lists": settings.CONTACTS_LISTS,
            # Only new contacts get it.
            "status": "unsubscribed" if change.is_opted_out else None,
            # The default, "skip", leaves an existing contact unchanged. With "merge", a person who has unsubscribed
            # stays unsubscribed.
            "duplicateStrategy": "merge",
        }
        return json_call("POST", "/subscribers", {name: value for name, value in fields.items() if value is not None})

    def update(self, change: Change) -> Requests:
        yield from self.set_fields(change, is_opted_out=change.is_opted_out)

    def set_fields(self, change: Change, *, is_opted_out: bool) -> Requests:
        """Overwrite fields of the contact, or create it."""
        content = change.content
        fields: dict[str, Any] = {"status": "unsubscribed"} if is_opted_out else {}
        if content.get("attributes"):
            fields |= {"customAttributes": content["attributes"], "customAttributesStrategy": "merge"}
        fields |= {"firstName": content["first_name"]} if content.get("first_name") else {}
        # Without a field to change, it only has to be known whether the contact exists.
        update = (
            json_call("PATCH", path_of(change.address), fields) if fields else json_call("GET", path_of(change.address))
        )
        yield update
        if change.finding(update) == MISSING:
            yield self.create(replace(change, is_opted_out=is_opted_out))

    def add_tag(self, change: Change) -> Requests:
        if change.is_opted_out:  # this route doesn't create contacts, which would be subscribed
            yield self.bulk_tags(change, "add")
        else:
            yield json_call("POST", "/subscribers/tags", {"email": change.address, "tag": change.content["tag"]})

    def remove_tag(self, change: Change) -> Requests:
        yield self.bulk_tags(change, "remove")

    def bulk_tags(self, change: Change, verb: str) -> Request:
        payload = {"emails": [change.address], "tags": [change.content["tag"]]}
        return json_call("POST", f"/subscribers/bulk/tags/{verb}", payload)

    def track_event(self, change: Change) -> Requests:
        content = change.content
        payload = {"email": change.address, "event": content["event"], "properties": content["properties"]}
        payload |= {"occurredAt": content["occurred_at"]} if "occurred_at" in content else {}
        yield json_call("POST", "/subscribers/events", {**payload, "eventId": change.event_id})

    def unsubscribe(self, change: Change) -> Requests:
        # Setting this status removes the contact from all lists and ends its sequences.
        yield json_call("PATCH", path_of(change.address), {"status": "unsubscribed"})

    def change_address(self, change: Change) -> Requests:
        rename = json_call("PATCH", path_of(change.former_address), {"email": change.address})
        yield rename
        is_opted_out, is_taken = change.is_opted_out, change.finding(rename) == REFUSED
        if is_taken:
            # Another contact has the new address. It takes over, and with it the opt-out of the former one.
            former = json_call("GET", path_of(change.former_address))
            yield former
            is_opted_out = is_opted_out or is_unsubscribed(change.finding(former))
        yield from self.set_fields(change, is_opted_out=is_opted_out)
        if is_taken:
            yield json_call("DELETE", path_of(change.former_address))

    def forget(self, change: Change) -> Requests:
        yield json_call("DELETE", path_of(change.address))

    def read_success(self, response: Response) -> Acceptance | FailureKind:
        data = json_body(response)
        is_refused = isinstance(data, dict) and (data.get("success") is False or data.get("error"))
        return FAILED if is_refused and response.status < 300 else super().read_success(response)

    def may_go_on(self, request: Request, status: int) -> bool:
        is_about_a_contact = request.endpoint.startswith(("GET ", "PATCH ", "DELETE "))
        is_rename = request.endpoint.startswith("PATCH ") and b'"email"' in request.body
        return (status == 404 and is_about_a_contact) or (status in (400, 409, 422) and is_rename)

    def finding(self, request: Request, response: Response) -> Any:
        if not request.endpoint.startswith("GET ") or response.status >= 300:
            return super().finding(request, response)
        data = json_body(response)
        subscriber = data.get("subscriber", data)
        return {"unsubscribed": isinstance(subscriber, dict) and subscriber.get("status") == "unsubscribed"}


def path_of(address: str) -> str:
    return f"/subscribers/{in_url(address)}"
