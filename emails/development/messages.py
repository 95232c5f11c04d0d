"""What the viewer shows about one message of the outbox."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from emails import lint
from emails.development.viewer import MAX_SOURCE, View, findings_label, size_of, tab_choices
from emails.message import Message
from emails.models import OutboundEmail
from emails.simulation import TYPES
from emails.support import display
from emails.support.explanations import explain
from emails.support.history import history

MAX_CHECKED_EACH_TIME = 100_000  # characters; checking more takes seconds, so it waits until somebody opens the tab
MAX_INLINE_IMAGE = 2_000_000  # bytes
CONTENT_ID = re.compile(r"""(["'(]\s*)cid:([^"')\s]+)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class File:
    """An attachment or an alternative body."""

    index: int
    name: str
    content_type: str
    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)


def files_of(message: Message) -> list[File]:
    """Return the attachments, and then the bodies that are neither text nor HTML."""
    return [File(index, *fields) for index, fields in enumerate(_files(message))]


def _files(message: Message) -> Iterator[tuple[str, str, bytes]]:
    for file in message.attachments:
        yield file.filename, file.content_type, file.content
    for number, other in enumerate(message.alternatives, start=1):
        ending = other.content_type.partition(";")[0].rpartition("/")[2]
        content = other.content if isinstance(other.content, bytes) else other.content.encode(errors="replace")
        yield f"alternative-{number}.{re.sub(r'[^a-z0-9]', '', ending.lower()) or 'txt'}", other.content_type, content


def tabs_of(message: Message | None) -> dict[str, str]:
    """Return the label of each tab. The first one is the default: the HTML, if there is one."""
    if message is None:
        return {"history": "History"}
    files = files_of(message)
    html = {"html": "HTML"} if message.html else {}
    return {
        **html,
        "text": "Text",
        "source": "Source",
        "headers": "Headers",
        "attachments": f"Attachments ({len(files)})" if files else "Attachments",
        "checks": "Checks",
        "history": "History",
    }


def message_context(email: OutboundEmail, message: Message | None, view: View) -> dict[str, Any]:
    """Return what development/message.html needs."""
    tabs = tabs_of(message)
    is_checked = view.tab == "checks" or (message is not None and len(message.html) <= MAX_CHECKED_EACH_TIME)
    findings = findings_of(message) if message and is_checked else []
    if "checks" in tabs:
        tabs["checks"] = findings_label(findings)
    context = {
        "email": email,
        "message": message,
        "tabs": tab_choices(view, tabs),
        "explanation": explain(email),
        "history": history(email),
        "findings": findings,
        "event_types": TYPES,
        "frame_url": f"/dev/inbox/{email.pk}/html/",
        **view.context(),
    }
    if message is not None:
        context |= {
            "header_lines": display.header_lines(message),
            "files": files_of(message),
            "size": size_of(message.html, is_tracked=message.track),
            "source": source_of(message)[:MAX_SOURCE] if view.tab == "source" else "",
        }
    return context


def findings_of(message: Message) -> list[lint.Finding]:
    if not message.html:
        return []
    return lint.lint_message(message.subject, message.text, message.html, is_tracked=message.track)


def source_of(message: Message) -> str:
    """Return the email as SMTP would carry it, or why that isn't possible."""
    try:
        return raw(message).decode(errors="replace")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        return f"This message can't be converted to MIME: {error}"


def raw(message: Message) -> bytes:
    return message.to_django().message().as_bytes()


def html_with_inline_images(message: Message) -> str:
    """Return the HTML with images in place of references to attachments, which only email programs can resolve."""
    images = {
        file.content_id: file
        for file in message.attachments
        if file.content_id and file.content_type.startswith("image/") and len(file.content) <= MAX_INLINE_IMAGE
    }

    def image(match: re.Match[str]) -> str:
        file = images.get(match[2])
        if file is None:
            return match[0]
        return f"{match[1]}data:{file.content_type};base64,{base64.b64encode(file.content).decode()}"

    return CONTENT_ID.sub(image, message.html) if images else message.html
