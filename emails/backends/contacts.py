"""Sequenzy's contacts: https://docs.sequenzy.com/api-reference (POST /subscribers and the routes below it)

The email address identifies a contact. Every change may safely be sent twice, although these routes take no
Idempotency-Key: Sequenzy recognizes a repeated event by its ID, and the other changes set a state instead
of adding something.
"""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from common.http.pool import Response
from emails.backends.base import Acceptance, Request
from emails.backends.classification import NEEDS_A_PERSON, REFUSED, UNKNOWN, FailureKind
from emails.backends.client import ApiClient, json_body
from emails.backends.sequenzy import SequenzyBackend

Content = Mapping[str, Any]

NO_SUCH_CONTACT = 404


class SequenzyContacts(ApiClient):
    """Changes contacts with a separate API key.

    Sequenzy limits the calls of each key to 100 per minute. With a separate key, a flood of events can't delay a
    password reset.
    """

    name = "sequenzy_contacts"
    # In effect unlimited, because a repeat of any change is harmless at any time.
    key_lifetime: ClassVar[timedelta] = timedelta(days=3650)
    default_rate = 100 / 60

    def __init__(self) -> None:
        key = settings.SEQUENZY_CONTACTS_API_KEY or settings.SEQUENZY_API_KEY
        if not key:
            raise ImproperlyConfigured("Neither SEQUENZY_CONTACTS_API_KEY nor SEQUENZY_API_KEY is set.")
        super().__init__(api_key=key, api_url=settings.SEQUENZY_API_URL)

    def request(self, action: str, address: str, content: Content, event_id: str) -> Request:
        """Return the call that makes one change. The same change always results in the same bytes."""
        endpoint, payload = REQUESTS[action](address, content, event_id)
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode() if payload else b""
        return Request(endpoint, body)

    def read_success(self, response: Response) -> Acceptance | FailureKind:
        data = json_body(response)
        if not isinstance(data, dict):
            return UNKNOWN
        is_refused = data.get("success") is False or data.get("error")
        return REFUSED if is_refused and response.status != NO_SUCH_CONTACT else Acceptance(("",))

    def is_already_done(self, request: Request, response: Response) -> bool:
        """Return whether the contact doesn't exist, so there is nobody to unsubscribe or to forget.

        Only a 404 with a JSON body proves that. A 404 with an HTML page means that the URL is wrong.
        """
        is_from_the_api = isinstance(json_body(response), dict)
        # unsubscribe() and forget() use these methods.
        changes_a_contact = request.endpoint.startswith(("DELETE ", "PATCH "))
        return response.status == NO_SUCH_CONTACT and is_from_the_api and changes_a_contact

    def refine_failure(self, failure: FailureKind, status: int, text: str) -> FailureKind:
        # Sequenzy documents 403 for a key that lacks a scope, for another company's key, and for a blocked account.
        return NEEDS_A_PERSON if status == 403 else failure


class SharedKeyContacts(SequenzyContacts):
    """Changes contacts with the key that also sends emails."""

    # The same name means the same row of ProviderState, so emails and contacts share one rate limit and one breaker.
    name = SequenzyBackend.name


# Each function returns the endpoint and the JSON object of one kind of change. All have the same parameters, because
# REQUESTS selects one of them by the action of the ContactChange.


def subscribe(address: str, content: Content, event_id: str) -> tuple[str, dict[str, Any]]:
    # The default strategy, "skip", leaves an existing contact unchanged. "merge" fills only its empty fields, so it
    # never resubscribes a person who has unsubscribed.
    return "POST /subscribers", {"email": address, **content, "duplicateStrategy": "merge"}


def add_tag(address: str, content: Content, event_id: str) -> tuple[str, dict[str, Any]]:
    return "POST /subscribers/tags", {"email": address, "tag": content["tag"]}


def remove_tag(address: str, content: Content, event_id: str) -> tuple[str, dict[str, Any]]:
    return "POST /subscribers/bulk/tags/remove", {"emails": [address], "tags": [content["tag"]]}


def track_event(address: str, content: Content, event_id: str) -> tuple[str, dict[str, Any]]:
    return "POST /subscribers/events", {"email": address, **content, "eventId": event_id}


def unsubscribe(address: str, content: Content, event_id: str) -> tuple[str, dict[str, Any]]:
    # Setting this status removes the contact from all lists and ends its sequences.
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
