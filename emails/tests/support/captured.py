"""What arrives at a provider, whatever words it has for it."""

from base64 import b64decode
from typing import Any

from emails.errors import InvalidMessage
from emails.tests.support.messages import sent

REFUSED = "refused"


def people(provider: str, payload: dict[str, Any], field: str) -> Any:
    """The addresses of a field, as they arrive."""
    if provider == "sendgrid":
        return [person["email"] for person in payload["personalizations"][0].get(field, [])]
    return payload.get(field, [])


def name_of(provider: str, payload: dict[str, Any]) -> Any:
    """The first recipient's display name; Sequenzy takes bare addresses only."""
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


def files_of(provider: str, payload: dict[str, Any]) -> list[tuple[str, bytes, str, str]]:
    """Name, content, type and Content-ID of each attachment."""
    words = {"sequenzy": ("contentType", "contentId"), "resend": ("content_type", "content_id")}
    kind, content_id = words.get(provider, ("type", "content_id"))
    return [
        (file["filename"], b64decode(file["content"]), file[kind], file.get(content_id, ""))
        for file in payload.get("attachments", [])
    ]


def outcome(provider: str, api: Any, message: Any) -> Any:
    """The payload that arrived, or REFUSED when the message was refused before any call."""
    calls = api.calls
    try:
        return sent(provider, api, message)
    except InvalidMessage:
        assert api.calls == calls
        return REFUSED


def fields_with(field: str, value: Any, **fields: Any) -> dict[str, Any]:
    """The fields of a message to Ada, with another value for one of them."""
    return {"to": ["ada@example.com"], **fields, field: value}
