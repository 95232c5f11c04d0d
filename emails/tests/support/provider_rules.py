"""What the three APIs refuse according to their documentation, so that the stand-in is as strict as they are."""

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
    "x-sg-id",
    "x-sg-eid",
    "received",
    "dkim-signature",
    "content-type",
    "content-transfer-encoding",
    "to",
    "from",
    "subject",
    "reply-to",
    "cc",
    "bcc",
}


@dataclass(frozen=True)
class Reply:
    """One response of the server."""

    status: int
    body: Any = b""  # bytes are sent unchanged, anything else as JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class RequestRefused(Exception):
    def __init__(self, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.status = status


def require(condition: Any, message: str, status: int = 422) -> None:
    if not condition:
        raise RequestRefused(message, status)


def check_resend(payload: dict[str, Any]) -> list[str]:
    """Return the recipients of a valid payload; raise RequestRefused for any other."""
    known = {"from", "to", "cc", "bcc", "reply_to", "subject", "html", "text", "headers", "attachments", "tags"}
    require(payload.keys() <= known | {"scheduled_at"}, f"unknown fields {payload.keys() - known}")
    require(isinstance(payload.get("subject"), str), "missing subject")
    require(payload.get("html") or payload.get("text"), "missing html or text")
    named_address(payload.get("from"))
    recipients = [item for name in ("to", "cc", "bcc") for item in addresses(payload, name, named_address)]
    require(payload.get("to"), "missing to")
    addresses(payload, "reply_to", named_address)
    require_string_headers(payload)
    scheduled_at = payload.get("scheduled_at", "2026-01-01T00:00:00.000Z")
    require(SCHEDULED_AT.fullmatch(scheduled_at), "bad scheduled_at")
    require(not (payload.get("attachments") and "scheduled_at" in payload), "attachments with scheduled_at")
    for tag in payload.get("tags", []):
        require(TAG.fullmatch(tag["name"]) and TAG.fullmatch(tag["value"]), "bad tag")
    for file in payload.get("attachments", []):
        require(file.get("filename"), "attachment without filename")
        require(file.keys() <= {"filename", "content", "content_type", "content_id"}, "unknown attachment field")
        file_size(file)
    return recipients


def check_sequenzy(payload: dict[str, Any]) -> list[str]:
    known = {"to", "cc", "bcc", "subject", "body", "from", "fromEmail", "fromName", "replyTo", "attachments"}
    require(payload.keys() <= known | {"trackingSettings"}, "unknown fields", 400)
    require(payload.get("subject") and isinstance(payload["subject"], str), "missing subject", 400)
    require(payload.get("body") and isinstance(payload["body"], str), "missing body", 400)
    templated = [payload["subject"], payload["body"], payload.get("from", ""), payload.get("replyTo", "")]
    require(not any("{{" in text for text in templated), "a placeholder that the template engine would fill", 400)
    require(not ({"from"} & payload.keys() and {"fromEmail", "fromName"} & payload.keys()), "from and fromEmail", 400)
    require("fromName" not in payload or "fromEmail" in payload, "fromName without fromEmail", 400)
    for name in {"from", "replyTo"} & payload.keys():
        named_address(payload[name])
    recipients = [item for name in ("to", "cc", "bcc") for item in addresses(payload, name, bare_address)]
    require(payload.get("to"), "missing to", 400)
    files = payload.get("attachments", [])
    require(len(files) <= 10, "too many attachments", 413)
    require(sum(map(file_size, files)) <= 7_000_000, "attachments too large", 413)
    require(all(file.get("filename") for file in files), "attachment without filename", 400)
    require(not any(";" in file["contentType"] for file in files), "contentType with parameters", 400)
    tracking = payload.get("trackingSettings", {})
    require(all(value is False for value in tracking.values()), "tracking cannot be switched on", 400)
    return recipients


def check_sendgrid(payload: dict[str, Any]) -> list[str]:
    require_no_empty_strings(payload)
    known = {"personalizations", "from", "reply_to_list", "subject", "content", "attachments", "headers", "categories"}
    require(payload.keys() <= known | {"send_at", "tracking_settings", "mail_settings"}, "unknown fields", 400)
    require(isinstance(payload.get("send_at", 1), int), "send_at must be Unix seconds", 400)
    require(payload.get("send_at", 1) <= time.time() + 72 * 3600, "send_at too far ahead", 400)
    [personalization] = payload["personalizations"]
    require(personalization.get("to"), "missing to", 400)
    mailboxes = [mailbox for name in ("to", "cc", "bcc") for mailbox in personalization.get(name, [])]
    for mailbox in [*mailboxes, payload["from"], *payload.get("reply_to_list", [])]:
        require(mailbox.keys() <= {"email", "name"}, "unknown field in an address", 400)
        bare_address(mailbox["email"])
        require(not {",", ";"} & set(mailbox.get("name", "")), "name with , or ;", 400)
    recipients = [str(mailbox["email"]) for mailbox in mailboxes]
    require(len({email.lower() for email in recipients}) == len(recipients), "Each email address should be unique", 400)
    require(len(recipients) <= 1000, "too many recipients", 400)
    require(isinstance(payload.get("subject"), str), "The subject is required", 400)
    kinds = [content["type"] for content in payload["content"]]
    order = {"text/plain": 0, "text/html": 1}
    require(kinds == sorted(kinds, key=lambda kind: order.get(kind, 2)), "text/plain must come first", 400)
    require_string_headers(payload)
    require(not SENDGRID_HEADERS & {name.lower() for name in payload.get("headers", {})}, "forbidden header", 400)
    arguments = personalization.get("custom_args", {})
    require(all(isinstance(value, str) for value in arguments.values()), "Bad Request", 400)
    categories = payload.get("categories", [])
    require(sum(len(key) + len(value) for key, value in arguments.items()) <= 10_000, "custom_args too long", 400)
    require(all(0 < len(category) <= 255 for category in categories), "bad category", 400)
    require(len(categories) <= 10 and len(set(categories)) == len(categories), "bad categories", 400)
    for file in payload.get("attachments", []):
        require(file.get("filename") and ("content_id" in file) == (file["disposition"] == "inline"), "bad file", 400)
        require(not set(";\r\n") & set(file["type"]), "The attachment type cannot contain ';' or CRLF", 400)
        file_size(file)
    return recipients


def addresses(payload: dict[str, Any], name: str, check: Callable[[Any], str]) -> list[str]:
    values: Any = payload.get(name, [])
    require(isinstance(values, list) and (values or name not in payload), f"{name} must be a list, not empty")
    require(len(values) <= 50, f"too many addresses in {name}")
    return [check(value) for value in values]


def bare_address(value: Any) -> str:
    require(isinstance(value, str) and ADDRESS.fullmatch(value), f"invalid address {value!r}")
    return str(value)


def named_address(value: Any) -> str:
    match = isinstance(value, str) and NAMED.fullmatch(value)
    if not match:
        raise RequestRefused(f"invalid address {value!r}")
    return bare_address((match[1] or match[2]).strip())


def require_string_headers(payload: dict[str, Any]) -> None:
    require(
        all(isinstance(value, str) for value in payload.get("headers", {}).values()), "header values must be strings"
    )


def file_size(file: dict[str, Any]) -> int:
    try:
        return len(base64.b64decode(file["content"], validate=True))
    except (KeyError, binascii.Error):
        raise RequestRefused("attachment content is not base64") from None


def require_no_empty_strings(value: Any) -> None:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            require_no_empty_strings(item)
    require(value != "", "empty strings are not allowed", 400)


def error_body(provider: str, status: int, message: str, code: str = "") -> Any:
    if provider == "resend":
        return {
            "statusCode": status,
            "name": code or RESEND_ERROR_NAMES.get(status, "validation_error"),
            "message": message,
        }
    if provider == "sendgrid":
        return {"errors": [{"message": message, "field": None, "help": None}]}
    return {"success": False, "error": message} | ({"code": code} if code else {})


RESEND_ERROR_NAMES = {
    401: "missing_api_key",
    403: "invalid_api_key",
    404: "not_found",
    429: "rate_limit_exceeded",
    500: "application_error",
    503: "service_unavailable",
}
CHECKS = {"resend": check_resend, "sequenzy": check_sequenzy, "sendgrid": check_sendgrid}
