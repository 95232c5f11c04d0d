"""What the three APIs refuse, as their documentation says: the stand-in is as strict as the real thing."""

import base64
import binascii
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

ADDRESS = re.compile(r"[!-~]+@[A-Za-z0-9.-]+\.?[A-Za-z0-9-]+")
NAMED = re.compile(r"(?:(?:\"(?:[^\"\\]|\\.)*\"|[^\"<>,;@]*)\s*<([^<>]+)>|([^<>\s]+))")
TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
SCHEDULED_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:\d\d)")
SENDGRID_HEADERS = {
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding",
    "to", "from", "subject", "reply-to", "cc", "bcc",
}  # fmt: skip


@dataclass(frozen=True)
class Reply:
    """One answer of a server."""

    status: int
    body: Any = b""  # bytes as they are, anything else as JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    def __init__(self, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.status = status


def need(condition: Any, message: str, status: int = 422) -> None:
    if not condition:
        raise RefusedError(message, status)


def check_resend(payload: dict[str, Any]) -> list[str]:
    """The recipients of a valid payload."""
    known = {"from", "to", "cc", "bcc", "reply_to", "subject", "html", "text", "headers", "attachments", "tags"}
    need(payload.keys() <= known | {"scheduled_at"}, f"unknown fields {payload.keys() - known}")
    need(isinstance(payload.get("subject"), str), "missing subject")
    need(payload.get("html") or payload.get("text"), "missing html or text")
    named(payload.get("from"))
    recipients = [item for name in ("to", "cc", "bcc") for item in addresses(payload, name, named)]
    need(payload.get("to"), "missing to")
    addresses(payload, "reply_to", named)
    headers_of_strings(payload)
    scheduled_at = payload.get("scheduled_at", "2026-01-01T00:00:00.000Z")
    need(SCHEDULED_AT.fullmatch(scheduled_at), "bad scheduled_at")
    need(not (payload.get("attachments") and "scheduled_at" in payload), "attachments with scheduled_at")
    for tag in payload.get("tags", []):
        need(TAG.fullmatch(tag["name"]) and TAG.fullmatch(tag["value"]), "bad tag")
    for file in payload.get("attachments", []):
        need(file.get("filename"), "attachment without filename")
        need(file.keys() <= {"filename", "content", "content_type", "content_id"}, "unknown attachment field")
        file_size(file)
    return recipients


def check_sequenzy(payload: dict[str, Any]) -> list[str]:
    known = {"to", "cc", "bcc", "subject", "body", "from", "fromEmail", "fromName", "replyTo", "attachments"}
    need(payload.keys() <= known | {"trackingSettings"}, "unknown fields", 400)
    need(payload.get("subject") and isinstance(payload["subject"], str), "missing subject", 400)
    need(payload.get("body") and isinstance(payload["body"], str), "missing body", 400)
    templated = [payload["subject"], payload["body"], payload.get("from", ""), payload.get("replyTo", "")]
    need(not any("{{" in text for text in templated), "a placeholder, which the template engine would fill", 400)
    need(not ({"from"} & payload.keys() and {"fromEmail", "fromName"} & payload.keys()), "from and fromEmail", 400)
    need("fromName" not in payload or "fromEmail" in payload, "fromName without fromEmail", 400)
    for name in {"from", "replyTo"} & payload.keys():
        named(payload[name])
    recipients = [item for name in ("to", "cc", "bcc") for item in addresses(payload, name, bare)]
    need(payload.get("to"), "missing to", 400)
    files = payload.get("attachments", [])
    need(len(files) <= 10, "too many attachments", 413)
    need(sum(map(file_size, files)) <= 7_000_000, "attachments too large", 413)
    need(all(file.get("filename") for file in files), "attachment without filename", 400)
    tracking = payload.get("trackingSettings", {})
    need(all(value is False for value in tracking.values()), "tracking cannot be switched on", 400)
    return recipients


def check_sendgrid(payload: dict[str, Any]) -> list[str]:
    no_empty_strings(payload)
    known = {"personalizations", "from", "reply_to_list", "subject", "content", "attachments", "headers", "categories"}
    need(payload.keys() <= known | {"send_at", "tracking_settings"}, "unknown fields", 400)
    need(isinstance(payload.get("send_at", 1), int), "send_at must be Unix seconds", 400)
    need(payload.get("send_at", 1) <= time.time() + 72 * 3600, "send_at too far ahead", 400)
    [personalization] = payload["personalizations"]
    need(personalization.get("to"), "missing to", 400)
    people = [person for name in ("to", "cc", "bcc") for person in personalization.get(name, [])]
    for person in [*people, payload["from"], *payload.get("reply_to_list", [])]:
        need(person.keys() <= {"email", "name"}, "unknown field in a person", 400)
        bare(person["email"])
        need(not {",", ";"} & set(person.get("name", "")), "name with , or ;", 400)
    recipients = [str(person["email"]) for person in people]
    need(len({email.lower() for email in recipients}) == len(recipients), "Each email address should be unique", 400)
    need(len(recipients) <= 1000, "too many recipients", 400)
    need(isinstance(payload.get("subject"), str), "The subject is required", 400)
    kinds = [content["type"] for content in payload["content"]]
    order = {"text/plain": 0, "text/html": 1}
    need(kinds == sorted(kinds, key=lambda kind: order.get(kind, 2)), "text/plain must come first", 400)
    headers_of_strings(payload)
    need(not SENDGRID_HEADERS & {name.lower() for name in payload.get("headers", {})}, "forbidden header", 400)
    arguments = personalization.get("custom_args", {})
    need(all(isinstance(value, str) for value in arguments.values()), "Bad Request", 400)
    categories = payload.get("categories", [])
    need(sum(len(key) + len(value) for key, value in arguments.items()) <= 10_000, "custom_args too long", 400)
    need(all(0 < len(category) <= 255 for category in categories), "bad category", 400)
    need(len(categories) <= 10 and len(set(categories)) == len(categories), "bad categories", 400)
    for file in payload.get("attachments", []):
        need(file.get("filename") and ("content_id" in file) == (file["disposition"] == "inline"), "bad file", 400)
        file_size(file)
    return recipients


def addresses(payload: dict[str, Any], name: str, check: Callable[[Any], str]) -> list[str]:
    values: Any = payload.get(name, [])
    need(isinstance(values, list) and (values or name not in payload), f"{name} must be a list, not empty")
    need(len(values) <= 50, f"too many addresses in {name}")
    return [check(value) for value in values]


def bare(value: Any) -> str:
    need(isinstance(value, str) and ADDRESS.fullmatch(value), f"invalid address {value!r}")
    return str(value)


def named(value: Any) -> str:
    match = isinstance(value, str) and NAMED.fullmatch(value)
    if not match:
        raise RefusedError(f"invalid address {value!r}")
    return bare((match[1] or match[2]).strip())


def headers_of_strings(payload: dict[str, Any]) -> None:
    need(all(isinstance(value, str) for value in payload.get("headers", {}).values()), "header values must be strings")


def file_size(file: dict[str, Any]) -> int:
    try:
        return len(base64.b64decode(file["content"], validate=True))
    except (KeyError, binascii.Error):
        raise RefusedError("attachment content is not base64") from None


def no_empty_strings(value: Any) -> None:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            no_empty_strings(item)
    need(value != "", "empty strings are not allowed", 400)


def body_of_error(provider: str, status: int, message: str, code: str = "") -> Any:
    if provider == "resend":
        return {"statusCode": status, "name": code or RESEND_NAMES.get(status, "validation_error"), "message": message}
    if provider == "sendgrid":
        return {"errors": [{"message": message, "field": None, "help": None}]}
    return {"success": False, "error": message} | ({"code": code} if code else {})


RESEND_NAMES = {
    401: "missing_api_key", 403: "invalid_api_key", 404: "not_found", 429: "rate_limit_exceeded",
    500: "application_error", 503: "service_unavailable",
}  # fmt: skip
CHECKS = {"resend": check_resend, "sequenzy": check_sequenzy, "sendgrid": check_sendgrid}
