"""Sequenzy's contacts: https://docs.sequenzy.com/api-reference (POST /subscribers and what is below it)

A contact is named by its address. Tags, unsubscribing and forgetting may be repeated at will, events carry an id.
"""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from common.http.pool import Answer
from emails.backends.base import Receipt, Request
from emails.backends.classification import NEEDS_A_PERSON, REFUSED, UNKNOWN, Verdict
from emails.backends.client import ApiClient, json_body

Content = Mapping[str, Any]

NO_SUCH_CONTACT = 404


class SequenzyContacts(ApiClient):
    """Has a key of its own in SEQUENZY_CONTACTS_API_KEY, or shares that of the mail and then its rate as well."""

    name = "sequenzy_contacts"
    key_lifetime: ClassVar[timedelta] = timedelta(days=3650)  # a repeat is never a second change
    default_rate = 100 / 60

    def __init__(self) -> None:
        key = settings.SEQUENZY_CONTACTS_API_KEY or settings.SEQUENZY_API_KEY
        if not key:
            raise ImproperlyConfigured("Neither SEQUENZY_CONTACTS_API_KEY nor SEQUENZY_API_KEY is set.")
        super().__init__(api_key=key, api_url=settings.SEQUENZY_API_URL)
        if not settings.SEQUENZY_CONTACTS_API_KEY:
            self.name = "sequenzy"

    def request(self, action: str, address: str, content: Content, event_id: str) -> Request:
        """The call that makes one change: the same bytes for the same change."""
        endpoint, payload = REQUESTS[action](address, content, event_id)
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode() if payload else b""
        return Request(endpoint, body)

    def accepted(self, answer: Answer) -> Receipt | Verdict:
        data = json_body(answer)
        if not isinstance(data, dict):
            return UNKNOWN
        is_refused = data.get("success") is False or data.get("error")
        return REFUSED if is_refused and answer.status != NO_SUCH_CONTACT else Receipt(("",))

    def forgives(self, request: Request, answer: Answer) -> bool:
        """A contact that does not exist is unsubscribed and forgotten. A page of HTML says that of a wrong URL only."""
        is_said_by_the_api = isinstance(json_body(answer), dict)
        changes_a_contact = request.endpoint.startswith(("DELETE ", "PATCH "))
        return answer.status == NO_SUCH_CONTACT and is_said_by_the_api and changes_a_contact

    def refine(self, verdict: Verdict, status: int, said: str) -> Verdict:
        return NEEDS_A_PERSON if status == 403 else verdict


def subscribe(address: str, content: Content, event_id: str) -> tuple[str, dict[str, Any]]:
    """`merge` fills empty fields of a contact that exists, and never wakes one that unsubscribed."""
    return "POST /subscribers", {"email": address, **content, "duplicateStrategy": "merge"}


def add_tag(address: str, content: Content, event_id: str) -> tuple[str, dict[str, Any]]:
    return "POST /subscribers/tags", {"email": address, "tag": content["tag"]}


def remove_tag(address: str, content: Content, event_id: str) -> tuple[str, dict[str, Any]]:
    return "POST /subscribers/bulk/tags/remove", {"emails": [address], "tags": [content["tag"]]}


def track_event(address: str, content: Content, event_id: str) -> tuple[str, dict[str, Any]]:
    return "POST /subscribers/events", {"email": address, **content, "eventId": event_id}


def unsubscribe(address: str, content: Content, event_id: str) -> tuple[str, dict[str, Any]]:
    return f"PATCH /subscribers/{quote(address, safe='')}", {"status": "unsubscribed"}


def forget(address: str, content: Content, event_id: str) -> tuple[str, dict[str, Any]]:
    return f"DELETE /subscribers/{quote(address, safe='')}", {}


REQUESTS: dict[str, Callable[[str, Content, str], tuple[str, dict[str, Any]]]] = {
    "subscribe": subscribe,
    "add_tag": add_tag,
    "remove_tag": remove_tag,
    "track_event": track_event,
    "unsubscribe": unsubscribe,
    "forget": forget,
}
