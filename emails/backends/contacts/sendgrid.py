"""SendGrid's contacts: https://www.twilio.com/docs/sendgrid/api-reference/contacts

SendGrid accepts changes of contacts with 202 and makes them minutes later. Only the email address identifies a contact
here: with a second identifier, every later change would have to contain it as well.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings

from common.http.pool import Response
from common.http.retry_after import retry_after, wait_until_epoch
from emails.backends.base import Request
from emails.backends.client import json_body
from emails.backends.contacts.client import MISSING, Change, Requests, in_url, is_unsubscribed, json_call, log_gap
from emails.backends.contacts.fields import NUMBER, TEXT, DeclaredFieldsClient, Field
from emails.backends.sendgrid import SendGridBackend

KINDS = {"Text": TEXT, "Number": NUMBER}
NAMES_OF_KINDS = {kind: name for name, kind in KINDS.items()}
MAX_NAME_LENGTH = 50
SEARCH = "/marketing/contacts/search/emails"


class SendGridContacts(DeclaredFieldsClient):
    """Changes marketing contacts. An unsubscribed person is on the global suppression list.

    That list would also stop emails, so SendGridBackend makes them bypass it. SendGrid has neither tags nor events.
    """

    name = "sendgrid_contacts"
    provider = SendGridBackend.name
    # SendGrid documents no number for these routes.
    default_rate = 5.0
    # Observed: minutes. Until then, a search doesn't find the contact.
    indexing_time = timedelta(minutes=10)
    # https://www.twilio.com/docs/sendgrid/api-reference/custom-fields/create-custom-field-definition
    field_name = re.compile(r"[A-Za-z0-9_]{1,100}")

    def subscribe(self, change: Change) -> Requests:
        if change.content.get("tags"):
            log_gap(self.provider, "tags")
        yield from self.upsert(change, lists=settings.CONTACTS_LISTS)

    def update(self, change: Change) -> Requests:
        yield from self.upsert(change)

    def upsert(self, change: Change, *, lists: list[str] | None = None, is_opted_out: bool = False) -> Requests:
        if change.is_opted_out or is_opted_out:
            yield from self.unsubscribe(change)
        values = yield from self.values_of(change)
        contact: dict[str, Any] = {"email": change.address}
        contact |= {"custom_fields": values} if values else {}
        if first_name := change.content.get("first_name"):
            contact["first_name"] = first_name[:MAX_NAME_LENGTH]
        yield json_call("PUT", "/marketing/contacts", {**({"list_ids": lists} if lists else {}), "contacts": [contact]})

    def change_address(self, change: Change) -> Requests:
        # SendGrid can't change the address of a contact, so a new contact takes over.
        former = json_call("GET", f"/asm/suppressions/global/{in_url(change.former_address)}")
        yield former
        is_opted_out = is_unsubscribed(change.finding(former))
        yield from self.upsert(change, lists=settings.CONTACTS_LISTS, is_opted_out=is_opted_out)
        yield from self.delete(change, change.former_address)

    def unsubscribe(self, change: Change) -> Requests:
        yield json_call("POST", "/asm/suppressions/global", {"recipient_emails": [change.address]})

    def forget(self, change: Change) -> Requests:
        yield from self.delete(change, change.address)

    def delete(self, change: Change, address: str) -> Requests:
        search = json_call("POST", SEARCH, {"emails": [address]})
        yield search
        found = change.finding(search)
        if found != MISSING:
            yield json_call("DELETE", f"/marketing/contacts?ids={','.join(map(in_url, found['ids']))}")

    def list_fields(self, after: str = "") -> Request:
        return json_call("GET", "/marketing/field_definitions")

    def read_fields(self, data: Mapping[str, Any]) -> tuple[dict[str, Field], str]:
        items = [item for item in data.get("custom_fields") or [] if isinstance(item, dict)]
        return {str(item.get("name")): Field(str(item.get("id")), kind_of(item)) for item in items}, ""

    def declare_field(self, name: str, kind: str) -> Request:
        return json_call("POST", "/marketing/field_definitions", {"name": name, "field_type": NAMES_OF_KINDS[kind]})

    def field_key(self, name: str, field_id: str) -> str:
        return field_id

    def may_go_on(self, request: Request, status: int) -> bool:
        is_lookup = request.endpoint.endswith(SEARCH) or request.endpoint.startswith("GET /asm/")
        return (status == 404 and is_lookup) or super().may_go_on(request, status)

    def finding(self, request: Request, response: Response) -> Any:
        data = json_body(response) or {}
        if request.endpoint.endswith(SEARCH) and response.status < 300:
            ids = ids_in(data)
            return {"ids": ids} if ids else MISSING
        if request.endpoint.startswith("GET /asm/") and response.status < 300:
            return {"unsubscribed": bool(data.get("recipient_email"))}
        return super().finding(request, response)

    def limits_after_success(self, headers: Mapping[str, str]) -> dict[str, Any]:
        return SendGridBackend.limits_after_success(self, headers)  # type: ignore[arg-type]

    def wait_after_refusal(self, headers: Mapping[str, str]) -> timedelta | None:
        return wait_until_epoch(headers.get("X-RateLimit-Reset")) or retry_after(headers)


def ids_in(data: Mapping[str, Any]) -> list[str]:
    """Return the IDs of the contacts that a search found: {"result": {"ada@example.com": {"contact": {"id": …}}}}."""
    result = data.get("result")
    entries = result.values() if isinstance(result, dict) else []
    contacts = [
        entry["contact"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("contact"), dict)
    ]
    return [str(contact["id"]) for contact in contacts if contact.get("id")]


def kind_of(item: Mapping[str, Any]) -> str:
    kind = str(item.get("field_type"))
    return KINDS.get(kind, kind)
