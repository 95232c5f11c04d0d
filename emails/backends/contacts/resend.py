"""Resend's contacts: https://resend.com/docs/api-reference/contacts

Resend may answer 200 for a contact that doesn't exist, and doesn't document what POST does to one that exists. So a
contact is updated with PATCH, and created if that returns 404.
"""

import re
from collections.abc import Generator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from common.http.pool import Response
from emails.backends.base import Request
from emails.backends.classification import NEEDS_A_PERSON, FailureKind
from emails.backends.client import json_body
from emails.backends.contacts.client import (
    MISSING,
    REFUSED,
    Change,
    Requests,
    UnsupportedChange,
    in_url,
    json_call,
    log_gap,
)
from emails.backends.contacts.fields import (
    NUMBER,
    TEXT,
    DeclaredFieldsClient,
    Field,
    Values,
    is_number,
    log_left_out,
    text_of,
)
from emails.backends.resend import ACCOUNT_ERROR, ResendBackend

PAGE_SIZE = 100
KINDS = {"string": TEXT, "number": NUMBER}
NAMES_OF_KINDS = {kind: name for name, kind in KINDS.items()}
# Older events would start automations, which Sequenzy avoids (emails/contacts.py).
MAX_EVENT_AGE = timedelta(hours=1)


class ResendContacts(DeclaredFieldsClient):
    """Changes contacts. The key needs full access, because one for sending gets a 401.

    Resend has no tags, and no idempotency keys on these routes.
    """

    name = "resend_contacts"
    provider = ResendBackend.name
    default_rate = ResendBackend.default_rate
    reset_headers = ResendBackend.reset_headers
    # https://resend.com/docs/api-reference/contact-properties/create-contact-property
    field_name = re.compile(r"[A-Za-z0-9_]{1,50}")

    @property
    def paced_with(self) -> str:
        return self.provider  # Resend counts all calls of a team together, whatever their keys are

    def subscribe(self, change: Change) -> Requests:
        if change.content.get("tags"):
            log_gap(self.provider, "tags")
        yield from self.upsert(change, profile_of(change))

    def update(self, change: Change) -> Requests:
        yield from self.upsert(change, profile_of(change))

    def upsert(self, change: Change, fields: Values) -> Requests:
        """Update the contact, or create it with the segments in CONTACTS_LISTS."""
        properties = {**fields.pop("properties", {}), **(yield from self.values_of(change))}
        path = path_of(change.address)
        update = yield from self.write(change, "PATCH", path, fields, properties)
        if change.finding(update) != MISSING:
            return
        known = {name: value for name, value in properties.items() if value is not None}  # null removes a property
        yield from self.write(change, "POST", "/contacts", {"email": change.address, **fields}, known)
        if not fields.get("unsubscribed"):
            for segment in settings.CONTACTS_LISTS:
                yield json_call("POST", f"{path}/segments/{in_url(segment)}")

    def write(
        self, change: Change, method: str, path: str, fields: Values, properties: Values
    ) -> Generator[Request, None, Request]:
        """Yield the call, and again without the properties if they are refused. Returns the last one."""
        if properties:
            request = json_call(method, path, {**fields, "properties": properties})
            yield request
            if change.finding(request) != REFUSED:
                return request
            log_left_out(self.provider, ", ".join(properties))
        # Without a change, it only has to be known whether the contact exists.
        request = json_call(method, path, fields) if fields else json_call("GET", path)
        yield request
        return request

    def track_event(self, change: Change) -> Requests:
        content = change.content
        occurred_at = content.get("occurred_at")
        if occurred_at and timezone.now() - datetime.fromisoformat(occurred_at) > MAX_EVENT_AGE:
            raise UnsupportedChange("resend would start automations for an event that is more than an hour old.")
        payload = {"event": content["event"], "email": change.address, "payload": content["properties"]}
        yield json_call("POST", "/events/send", payload)

    def change_address(self, change: Change) -> Requests:
        # Resend doesn't document that a contact's address can be changed, so a new contact takes over.
        former = json_call("GET", path_of(change.former_address))
        yield former
        found = change.finding(former)
        carried_over = found if isinstance(found, Mapping) else {}
        yield from self.upsert(change, {**carried_over, **profile_of(change)})
        if found != MISSING:
            yield json_call("DELETE", path_of(change.former_address))

    def unsubscribe(self, change: Change) -> Requests:
        yield json_call("PATCH", path_of(change.address), {"unsubscribed": True})

    def forget(self, change: Change) -> Requests:
        yield json_call("DELETE", path_of(change.address))

    def list_fields(self, after: str = "") -> Request:
        following = f"&after={in_url(after)}" if after else ""
        return json_call("GET", f"/contact-properties?limit={PAGE_SIZE}{following}")

    def values_of_unknown_fields(self, attributes: Mapping[str, Any]) -> Values:
        return {name: value if is_number(value) else text_of(value) for name, value in attributes.items()}

    def read_fields(self, data: Mapping[str, Any]) -> tuple[dict[str, Field], str]:
        items = [item for item in data.get("data") or [] if isinstance(item, dict)]
        fields = {str(item.get("key")): Field(str(item.get("key")), kind_of(item)) for item in items}
        last = str(items[-1].get("id") or "") if items else ""
        return fields, last if data.get("has_more") is True else ""

    def declare_field(self, name: str, kind: str) -> Request:
        return json_call("POST", "/contact-properties", {"key": name, "type": NAMES_OF_KINDS[kind]})

    def may_go_on(self, request: Request, status: int) -> bool:
        is_about_a_contact = request.endpoint.startswith(("GET /contacts/", "PATCH /contacts/", "DELETE /contacts/"))
        has_properties = b'"properties"' in request.body
        return (
            (status == 404 and is_about_a_contact)
            or (status in (400, 422) and has_properties)
            or super().may_go_on(request, status)
        )

    def finding(self, request: Request, response: Response) -> Any:
        if not request.endpoint.startswith("GET /contacts/") or response.status >= 300:
            return super().finding(request, response)
        data = json_body(response) or {}
        kept = {name: data.get(name) for name in ("first_name", "last_name", "properties") if data.get(name)}
        return {**kept, **({"unsubscribed": True} if data.get("unsubscribed") is True else {})}

    def refine_failure(self, failure: FailureKind, status: int, text: str) -> FailureKind:
        if status in (400, 401) and ACCOUNT_ERROR.search(text):
            return NEEDS_A_PERSON
        return super().refine_failure(failure, status, text)


def profile_of(change: Change) -> Values:
    """Return the fields of a contact without its properties. It never becomes subscribed: only true is ever sent."""
    first_name = change.content.get("first_name")
    fields: Values = {"first_name": first_name} if first_name else {}
    return fields | ({"unsubscribed": True} if change.is_opted_out else {})


def path_of(address: str) -> str:
    return f"/contacts/{in_url(address)}"


def kind_of(item: Mapping[str, Any]) -> str:
    kind = str(item.get("type"))
    return KINDS.get(kind, kind)
