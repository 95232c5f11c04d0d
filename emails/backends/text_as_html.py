"""Plain text as HTML that looks the same, for a provider without a field for text."""

import re
from collections import Counter

from django.utils.html import escape

# A URL in plain text, with the punctuation that may follow it.
LINK = re.compile(r"https?://[^\s<>\"']+")
PUNCTUATION = set(".,;:!?")
OPENING_BRACKETS = {")": "(", "]": "[", "}": "{"}
# The spaces that HTML doesn't show: all but the last of several, and those at the start or end of a line.
FOLDED_SPACE = re.compile(r" (?= )|^ | $", re.MULTILINE)
NO_BREAK_SPACE = "\u00a0"


def html_of(text: str) -> str:
    """Return the text as HTML that looks the same, with clickable links."""
    # HTML has no tab stops and knows only one line break.
    text = text.replace("\r\n", "\n").replace("\r", "\n").expandtabs()
    text = FOLDED_SPACE.sub(NO_BREAK_SPACE, text)
    parts = []
    position = 0
    for match in LINK.finditer(text):
        link = without_end_of_sentence(match[0])
        if link.endswith("://"):
            continue
        url = escape(link)
        parts += [escape(text[position : match.start()]), f'<a href="{url}">{url}</a>']
        position = match.start() + len(link)
    parts.append(escape(text[position:]))
    return "<div>" + "".join(parts).replace(NO_BREAK_SPACE, "&nbsp;").replace("\n", "<br>\n") + "</div>"


def without_end_of_sentence(url: str) -> str:
    """Return the URL without punctuation and brackets at its end that belong to the sentence around it.

    A closing bracket belongs to the URL if its partner does.
    """
    count = Counter(url)
    end = len(url)
    while end and (url[end - 1] in PUNCTUATION or _is_unpaired(url[end - 1], count)):
        end -= 1
        count[url[end]] -= 1
    return url[:end]


def _is_unpaired(character: str, count: Counter[str]) -> bool:
    opening = OPENING_BRACKETS.get(character)
    return opening is not None and count[character] > count[opening]
