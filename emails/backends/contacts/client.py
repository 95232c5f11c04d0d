"""What the three contacts APIs have in common: the calls of a change, and what their responses mean.

A client has a method for each action. It yields the calls of the change in their order, and reads after each ``yield``
what the call found out:

    def unsubscribe(self, change):
        yield Request("PATCH /contacts/…", b'{"unsubscribed":true}')

``next_request()`` runs the method again for every call, up to the first one that wasn't made yet. Therefore, every call
sets a state instead of adding something, so that it may be repeated.
"""

import hashlib
import json
import logging
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from common.http.pool import NoResponse, Response
from emails.backends.base import Acceptance, Request
from emails.backends.classification import NEEDS_A_PERSON, UNKNOWN, FailureKind
from emails.backends.client import ApiClient, json_body
from emails.errors import EmailsError, ProviderError

logger = logging.getLogger(__name__)

Requests = Iterator[Request]

# What a call found out, if it is not a success.
MISSING = "missing"
REFUSED = "refused"
NO_ACCESS = "no access"

# Resend: ``restricted_api_key``. SendGrid: "access forbidden". Sequenzy: a missing scope.
MAY_NOT = re.compile(r"restricted|forbidden|scope|permission", re.IGNORECASE)


class UnsupportedChange(EmailsError):
    """A change that this provider can't make, although another one might."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one contact. ``content`` has the fields that emails/contacts.py stores for the action."""

    action: str
    address: str
    content: Mapping[str, Any]
    event_id: str = ""
    former_address: str = ""
    # Whether the contact must not become subscribed.
    is_opted_out: bool = False
    # What the calls so far found out, by key_of() the request.
    progress: Mapping[str, Any] = field(default_factory=dict)

    def finding(self, request: Request) -> Any:
        """Return what this call found out: True, MISSING, REFUSED, or data that the client read."""
        return self.progress[key_of(request)]


class ContactsClient(ApiClient):
    """Changes contacts at one provider."""

    provider: ClassVar[str]
    """The provider of emails with the same account, such as "resend"."""

    indexing_time: ClassVar[timedelta] = timedelta()
    """How long the provider may not find a contact that it has just accepted."""

    def __init__(self) -> None:
        prefix = self.provider.upper()
        own_key = getattr(settings, f"{prefix}_CONTACTS_API_KEY")
        key = own_key or getattr(settings, f"{prefix}_API_KEY")
        if not key:
            raise ImproperlyConfigured(f"Neither {prefix}_CONTACTS_API_KEY nor {prefix}_API_KEY is set.")
        super().__init__(api_key=key, api_url=getattr(settings, f"{prefix}_API_URL"))
        self.has_own_key = bool(own_key)

    @property
    def paced_with(self) -> str:
        """The row of ProviderState whose slots the calls take: that of emails if the provider counts both together.

        Pauses and failures always have a row of their own, because contacts must never stop emails.
        """
        return self.name

    def next_request(self, change: Change) -> Request | None:
        """Return the next call of the change, or None if all were made. Raises ``UnsupportedChange``."""
        requests: Requests = getattr(self, change.action)(change)
        return next((request for request in requests if key_of(request) not in change.progress), None)

    @abstractmethod
    def subscribe(self, change: Change) -> Requests:
        """Yield the calls that create the contact, or complete it. An opt-out stays."""

    @abstractmethod
    def update(self, change: Change) -> Requests:
        """Yield the calls that overwrite the attributes of the contact, which is created if it doesn't exist."""

    def add_tag(self, change: Change) -> Requests:
        raise self.unsupported("tags")

    def remove_tag(self, change: Change) -> Requests:
        raise self.unsupported("tags")

    def track_event(self, change: Change) -> Requests:
        raise self.unsupported("events")

    @abstractmethod
    def change_address(self, change: Change) -> Requests:
        """Yield the calls after which the contact has the new address, and nobody has the former one."""

    @abstractmethod
    def unsubscribe(self, change: Change) -> Requests:
        """Yield the calls that stop all marketing email to the contact."""

    @abstractmethod
    def forget(self, change: Change) -> Requests:
        """Yield the calls that delete the contact."""

    def unsupported(self, what: str) -> UnsupportedChange:
        """Return the error to raise, and log once per process that the provider lacks this."""
        log_gap(self.provider, what)
        return UnsupportedChange(f"{self.provider} doesn't support {what} of contacts.")

    def read_success(self, response: Response) -> Acceptance | FailureKind:
        is_empty = response.status in (201, 202, 204) and not response.body
        return Acceptance(("",)) if is_empty or isinstance(json_body(response), dict) else UNKNOWN

    def is_already_done(self, request: Request, response: Response) -> bool:
        """Return whether the next call can go on after this error, most often because the contact doesn't exist.

        Only an error with a JSON body proves that. A 404 with an HTML page means that the URL is wrong.
        """
        is_from_the_api = isinstance(json_body(response), dict)
        return is_from_the_api and (self.may_go_on(request, response.status) or self.has_no_access(response))

    def has_no_access(self, response: Response) -> bool:
        """Return whether the key may only send, and nobody said that it should change contacts.

        Then this installation has made no contact, so there is none to unsubscribe or delete.
        """
        is_optional = not (settings.CONTACTS_SYNC or self.has_own_key)
        return is_optional and response.status in (401, 403) and bool(MAY_NOT.search(str(json_body(response))))

    def may_go_on(self, request: Request, status: int) -> bool:
        """Return whether an error with this status, from the API itself, is something that the client expects."""
        return False

    def refine_failure(self, failure: FailureKind, status: int, text: str) -> FailureKind:
        # For example, a key that may only send. It pauses contacts, but not emails.
        return NEEDS_A_PERSON if status == 403 else failure

    def findings(self, request: Request, response: Response) -> dict[str, Any]:
        """Return what the call found out, by the key of the call, in the form that ``merged()`` takes."""
        is_unusable = response.status in (401, 403) and self.has_no_access(response)
        return {key_of(request): NO_ACCESS if is_unusable else self.finding(request, response)}

    def finding(self, request: Request, response: Response) -> Any:
        if response.status < 300:
            return True
        return MISSING if response.status == 404 else REFUSED

    def _interpret(
        self, response: Response | NoResponse | ProviderError, request: Request
    ) -> Acceptance | ProviderError:
        result = super()._interpret(response, request)
        if isinstance(result, Acceptance) and isinstance(response, Response):
            return replace(result, findings=self.findings(request, response))
        return result


def key_of(request: Request) -> str:
    """Return the key under which a change stores what the call found out. It contains no personal data."""
    digest = hashlib.sha256(request.endpoint.encode() + b"\n" + request.body).hexdigest()
    return f"{route_of(request)} {digest[:16]}"


def route_of(request: Request) -> str:
    """Return the method and the first part of the path: "GET /contacts" for "GET /contacts/ada%40example.com"."""
    return "/".join(request.endpoint.partition("?")[0].split("/")[:2])


def merged(progress: Mapping[str, Any], findings: Mapping[str, Any]) -> dict[str, Any]:
    """Add findings to the progress of a change. None stands for a route whose findings are outdated."""
    outdated = tuple(f"{route} " for route, finding in findings.items() if finding is None)
    kept = {key: finding for key, finding in progress.items() if not key.startswith(outdated)}
    return kept | {key: finding for key, finding in findings.items() if finding is not None}


def json_call(method: str, path: str, payload: Mapping[str, Any] | None = None) -> Request:
    body = b"" if payload is None else json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return Request(f"{method} {path}", body)


def in_url(value: str) -> str:
    return quote(value, safe="")


def is_unsubscribed(finding: Any) -> bool:
    """Return whether a call found out that the contact is unsubscribed at the provider."""
    return isinstance(finding, Mapping) and finding.get("unsubscribed") is True


@cache
def log_no_access(provider: str) -> None:
    logger.warning(
        "The API key may not change contacts at %s, so people who unsubscribe or delete their accounts stay there. If "
        "you keep contacts there, set %s_CONTACTS_API_KEY.",
        provider,
        provider.upper(),
    )


@cache
def log_gap(provider: str, what: str) -> None:
    logger.warning("%s doesn't support %s of contacts, so they are left out (docs/providers.md).", provider, what)
