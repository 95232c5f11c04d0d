"""Lists of tags, "v=DMARC1; p=none", in which DKIM keys and DMARC policies are written (RFC 6376, section 3.2)."""

import re

TAG = re.compile(r"\s*([a-z][a-z0-9_]*)\s*=\s*(.*?)\s*", re.IGNORECASE | re.DOTALL)


class TagError(ValueError):
    """A text that isn't a list of tags."""


def parse_tags(text: str) -> dict[str, str]:
    """Return the tags by name, in their order. Raises ``TagError`` if one is unreadable or occurs twice."""
    tags: dict[str, str] = {}
    parts = text.split(";")
    if not parts[-1].strip():
        parts.pop()
    for part in parts:
        match = TAG.fullmatch(part)
        if not match:
            raise TagError(f"{part.strip()!r} isn't of the form name=value")
        name = match[1].lower()
        if name in tags:
            raise TagError(f"{name}= occurs twice")
        tags[name] = match[2]
    return tags
