"""Reads payloads that arrived at a provider, whatever names it gives to the fields."""

from base64 import b64decode
from typing import Any

from emails.errors import InvalidMessage
from emails.tests.support.messages import sent

REFUSED = "refused"


def addresses_in(provider: str, payload: dict[str, Any], field: str) -> Any:
    """The addresses in a field of the payload."""
    if provider == "sendgrid":
        return [recipient["email"] for recipient in payload["personalizations"][0].get(field, [])]
    return payload.get(field, [])


def display_name(provider: str, payload: dict[str, Any]) -> Any:
    """The first recipient's display name, which is empty at Sequenzy because it accepts only bare addresses."""
    if provider == "sendgrid":
        return payload["personalizations"][0]["to"][0].get("name", "")
    return payload["to"][0].rpartition("<")[0].strip()


def text_of(provider: str, payload: dict[str, Any]) -> str | None:
    if provider == "sendgrid":
        return {part["type"]: part["value"] for part in payload["content"]}.get("text/plain")
    return payload.get("text")


def html_of(provider: str, payload: dict[str, Any]) -> str | None:
    if provider == "sendgrid":
        return {part["type"]: part["value"] for part in payload["content"]}.get("text/html")
    return payload.get("body" if provider == "sequenzy" else "html")


def attachments_of(provider: str, payload: dict[str, Any]) -> list[tuple[str, bytes, str, str]]:
    """The name, content, type, and Content-ID of each attachment."""
    field_names = {"sequenzy": ("contentType", "contentId"), "resend": ("content_type", "content_id")}
    content_type, content_id = field_names.get(provider, ("type", "content_id"))
    return [
        (file["filename"], b64decode(file["content"]), file[content_type], file.get(content_id, ""))
        for file in payload.get("attachments", [])
    ]


def payload_or_refused(provider: str, provider_api: Any, message: Any) -> Any:
    """Send the message and return the payload that arrived, or REFUSED if the backend refused it without a call."""
    calls = provider_api.calls
    try:
        return sent(provider, provider_api, message)
    except InvalidMessage:
        assert provider_api.calls == calls
        return REFUSED


def fields_with(field: str, value: Any, **fields: Any) -> dict[str, Any]:
    """The fields of a message to Ada, with another value for one field."""
    return {"to": ["ada@example.com"], **fields, field: value}
