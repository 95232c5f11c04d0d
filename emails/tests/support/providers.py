"""The state behind the stand-in: emails accepted, idempotency keys seen, and faults to come."""

import collections
import hashlib
import json
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from emails.tests.support import resend_contacts_api, sendgrid_contacts_api
from emails.tests.support.contacts_api import PREFIX, Contacts
from emails.tests.support.provider_rules import CHECKS, Reply, RequestRefused, error_body

STATUS = "/sequenzy/api/v1/email-sends/"
RESEND_BATCH = "/resend/emails/batch"
ROUTES = {
    "/sequenzy/api/v1/transactional/send": "sequenzy",
    "/resend/emails": "resend",
    RESEND_BATCH: "resend",
    "/sendgrid/v3/mail/send": "sendgrid",
}
CONTACT_PATHS = {"sequenzy": (PREFIX,), "resend": resend_contacts_api.PATHS, "sendgrid": sendgrid_contacts_api.PATHS}
MAX_KEY_LENGTH = {"sequenzy": 255, "resend": 256}
HTML_ERROR = b"<html><head><title>Error</title></head><body><h1>Something broke</h1></body></html>"
CUT = Reply(0)
SILENCE = Reply(-1)


@dataclass(frozen=True)
class Accepted:
    """One email that the provider accepted."""

    provider: str
    key: str
    recipients: list[str]
    payload: dict[str, Any]
    time: float


@dataclass(frozen=True)
class Incoming:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Providers:
    """The accounts at the three providers."""

    def __init__(self, latency: float = 0) -> None:
        self._first_latency = latency
        self.reset()

    def reset(self) -> None:
        self.latency = self._first_latency
        self.accepted: list[Accepted] = []
        self.bodies: list[bytes] = []
        self.last: Incoming | None = None
        self.calls = 0
        self.arrivals: list[float] = []
        self.contacts = Contacts()
        self.contact_apis: dict[str, Any] = {
            "sequenzy": self.contacts,
            "resend": resend_contacts_api.ResendContactsApi(),
            "sendgrid": sendgrid_contacts_api.SendGridContactsApi(),
        }
        self.statuses: dict[str, dict[str, Any]] = {}  # what GET /email-sends/{id} returns, by ID
        self.limit = 0  # calls accepted in any second; 0 means unlimited
        self.refused: set[str] = set()  # recipients that this account must not write to
        self.broken: set[str] = set()  # recipients whose emails make the API fail
        self.default: str | Reply = "ok"
        self.defaults: dict[str, str | Reply] = {}  # by provider, instead of ``default``
        self.faults = ()
        self._replies: dict[tuple[str, str], tuple[bytes, Reply]] = {}
        self.running: set[tuple[str, str]] = set()

    @property
    def faults(self) -> Iterator[str | Reply]:
        return self._faults

    @faults.setter
    def faults(self, script: Iterable[str | Reply]) -> None:
        self._faults = iter(script)

    @property
    def down(self) -> bool:
        return self.default == "503"

    @down.setter
    def down(self, is_down: bool) -> None:
        self.default = "503" if is_down else "ok"

    def forget_keys(self) -> None:
        """Expire all idempotency keys."""
        self._replies.clear()

    def report(self) -> dict[str, Any]:
        per_recipient = collections.Counter(address for email in self.accepted for address in email.recipients)
        subjects = collections.Counter((*email.recipients, subject_of(email)) for email in self.accepted)
        return {
            "calls": self.calls,
            "accepted": len(self.accepted),
            "keys": len({email.key for email in self.accepted if email.key}),
            "recipients": dict(per_recipient),
            "duplicates": sum(count - 1 for count in subjects.values()),
            "most_in_a_second": most_calls_in_a_second(self.arrivals),
        }

    def respond(self, request: Incoming) -> Reply:
        return self.with_rate_limit_headers(self._respond(request), provider_of(request.path) or "")

    def _respond(self, request: Incoming) -> Reply:
        self.calls += 1
        self.last = request
        self.bodies.append(request.body)
        provider = provider_of(request.path)
        if provider is None:
            return Reply(404, {"message": "no such route"})
        if self.limit and most_calls_in_a_second(self.arrivals[-self.limit - 1 :]) > self.limit:
            return Reply(429, error_body(provider, 429, "Too many requests"), {"Retry-After": "1"})
        fault = next(self._faults, self.defaults.get(provider, self.default))
        if isinstance(fault, Reply):
            return fault
        return self._with_fault(fault, provider, request)

    def _with_fault(self, fault: str, provider: str, request: Incoming) -> Reply:
        word, *options = fault.split(";")
        kind, _, moment = word.partition("-")
        if kind == "ok":
            return self._process(provider, request)
        real = self._process(provider, request) if moment == "after" or word in ACCEPTING else None
        if kind in FAULTS:
            return FAULTS[kind](real or Reply(200))
        headers = dict(option.split("=", 1) for option in options)
        if moment == "html":
            return Reply(int(kind), HTML_ERROR, {"Content-Type": "text/html", **headers})
        return Reply(int(kind), error_body(provider, int(kind), "as scripted"), headers)

    def _process(self, provider: str, request: Incoming) -> Reply:
        refusal = early_refusal(provider, request)
        if refusal:
            return refusal
        key = request.headers.get("idempotency-key", "") if provider in MAX_KEY_LENGTH else ""
        digest = hashlib.sha256(request.body).digest()
        if key and (provider, key) in self._replies:
            return self._replay(provider, key, digest)
        if is_about_contacts(request.path):
            return self._change_contact(provider, request)
        if request.path.startswith(STATUS):
            return self._status_of(request)
        try:
            payload = json.loads(request.body)
            payloads = batch(payload) if request.path == RESEND_BATCH else [payload]
            accepted = [Accepted(provider, key, CHECKS[provider](item), item, time.time()) for item in payloads]
            if any(self.broken.intersection(email.recipients) for email in accepted):
                return Reply(500, error_body(provider, 500, "Internal error"))
            if any(self.refused.intersection(email.recipients) for email in accepted):
                raise RequestRefused("You can only send to your own address")
        except RequestRefused as error:
            return Reply(error.status, error_body(provider, error.status, str(error)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return Reply(400, error_body(provider, 400, f"malformed: {error!r}"))
        self.accepted += [email for email in accepted if not self._drops(email)]
        reply = accepted_batch_reply(len(accepted)) if request.path == RESEND_BATCH else accepted_reply(provider)
        if key:
            self._replies[provider, key] = (digest, reply)
        return reply

    def _drops(self, email: Accepted) -> bool:
        """Return whether SendGrid accepts the email but sends it to nobody, because a recipient has unsubscribed."""
        rule = email.payload.get("mail_settings", {}).get("bypass_unsubscribe_management", {})
        unsubscribed: set[str] = self.contact_apis["sendgrid"].unsubscribed
        return email.provider == "sendgrid" and not rule.get("enable") and not unsubscribed.isdisjoint(email.recipients)

    def _status_of(self, request: Incoming) -> Reply:
        state = self.statuses.get(request.path.removeprefix(STATUS))
        if state is None or request.method != "GET":
            return Reply(404, error_body("sequenzy", 404, "Email send not found"))
        return Reply(200, {"success": True, "source": "database", "emailSend": state, "events": []})

    def _change_contact(self, provider: str, request: Incoming) -> Reply:
        if "sending" in request.headers["authorization"]:
            if provider == "resend":
                text = "This API key is restricted to only send emails"
                return Reply(401, error_body(provider, 401, text, "restricted_api_key"))
            return Reply(403, error_body(provider, 403, "access forbidden"))
        api = self.contact_apis[provider]
        try:
            reply: Reply = api.process(request.method, request.path, json.loads(request.body or b"{}"))
        except RequestRefused as error:
            return Reply(error.status, error_body(provider, error.status, str(error)))
        return reply

    def record_arrival(self) -> None:
        self.arrivals.append(time.monotonic())

    def with_rate_limit_headers(self, reply: Reply, provider: str) -> Reply:
        """Add the limit to the response, as Resend does to every response."""
        if not self.limit or provider != "resend" or reply.status <= 0:
            return reply
        headers = {"ratelimit-limit": str(self.limit), "ratelimit-remaining": "0", "ratelimit-reset": "1"}
        return Reply(reply.status, reply.body, headers | dict(reply.headers))

    def _replay(self, provider: str, key: str, digest: bytes) -> Reply:
        first, reply = self._replies[provider, key]
        if digest == first:
            return Reply(reply.status, reply.body | ({"idempotentReplay": True} if provider == "sequenzy" else {}))
        message = "This idempotency key was used with a different request payload"
        code = "invalid_idempotent_request" if provider == "resend" else ""
        return Reply(409, error_body(provider, 409, message, code))


ACCEPTING = {"rubbish", "truncated", "trickle"}
FAULTS = {
    "cut": lambda real: CUT,
    "timeout": lambda real: SILENCE,
    "rubbish": lambda real: Reply(real.status, b"]rubbish[", {"Content-Type": "application/json"}),
    "truncated": lambda real: Reply(real.status, real.body, {"X-Fault": "truncated"}),
    "trickle": lambda real: Reply(real.status, real.body, {"X-Fault": "trickle"}),
}


def early_refusal(provider: str, request: Incoming) -> Reply | None:
    """The refusal of a request that never reaches the API, or None."""
    if not request.headers.get("user-agent"):
        return Reply(403, b"error code: 1010", {"Content-Type": "text/plain"})
    if request.method != "POST" and not (is_about_contacts(request.path) or request.path.startswith(STATUS)):
        return Reply(405, error_body(provider, 405, "method not allowed"))
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not key or "wrong" in key:
        return Reply(401, error_body(provider, 401, "The API key is invalid"))
    if request.headers.get("content-type") != "application/json":
        return Reply(415, error_body(provider, 415, "unsupported content type"))
    idempotency_key = request.headers.get("idempotency-key")
    if idempotency_key is not None and not 0 < len(idempotency_key) <= MAX_KEY_LENGTH.get(provider, 0):
        return Reply(400, error_body(provider, 400, "bad idempotency key", "invalid_idempotency_key"))
    return None


def accepted_reply(provider: str) -> Reply:
    message_id = str(uuid.uuid4())
    if provider == "resend":
        return Reply(200, {"id": message_id})
    if provider == "sendgrid":
        return Reply(202, b"", {"X-Message-Id": message_id})
    return Reply(200, {"success": True, "emailSendId": message_id, "emailType": "transactional", "jobId": "job_1"})


def provider_of(path: str) -> str | None:
    of_contacts = (provider for provider, paths in CONTACT_PATHS.items() if path.startswith(paths))
    return "sequenzy" if path.startswith(STATUS) else next(of_contacts, ROUTES.get(path))


def is_about_contacts(path: str) -> bool:
    return any(path.startswith(paths) for paths in CONTACT_PATHS.values())


def batch(payload: Any) -> list[dict[str, Any]]:
    """The emails of a batch; under strict validation, one invalid email refuses the whole batch."""
    if not isinstance(payload, list) or not 1 <= len(payload) <= 100:
        raise RequestRefused("a batch is an array of 1 to 100 emails")
    for item in payload:
        if item.keys() & {"attachments", "scheduled_at"}:
            raise RequestRefused("attachments and scheduled_at are not supported in a batch")
    return payload


def accepted_batch_reply(count: int) -> Reply:
    return Reply(200, {"data": [{"id": str(uuid.uuid4())} for _ in range(count)]})


def most_calls_in_a_second(arrivals: list[float]) -> int:
    """The largest number of calls that arrived within any one second."""
    most = first = 0
    for position, moment in enumerate(arrivals):
        while moment - arrivals[first] >= 1:
            first += 1
        most = max(most, position - first + 1)
    return most


def subject_of(email: Accepted) -> str:
    return str(email.payload["subject"])
