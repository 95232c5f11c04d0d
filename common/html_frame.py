"""Pages for iframes that show foreign HTML, such as the body of an email."""

import re
from html.parser import HTMLParser

from django.http import HttpResponse

# The frame runs no script, submits no form, and loads nothing but images, whatever the HTML contains. The policy of the
# surrounding page can therefore stay strict. A link opens in a tab of its own, without these restrictions, because the
# page behind it may refuse to be framed, and most do.
SANDBOX = "sandbox allow-popups allow-popups-to-escape-sandbox"
FRAME_POLICY = f"default-src 'none'; style-src 'unsafe-inline'; img-src {{images}}; {SANDBOX}"
IMAGES, NO_IMAGES = "https: data:", "'none'"
NEW_TAB = '<base target="_blank">'
TARGET = re.compile(r"""\starget\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+)""", re.IGNORECASE)


def framed_html(html: str, *, head: str = "", with_images: bool = True) -> HttpResponse:
    """Return the HTML as a page of its own that only an iframe of this site may show. Its links open in new tabs.

    ``head`` is inserted at the beginning of the head.
    """
    headers = {
        "Content-Security-Policy": FRAME_POLICY.format(images=IMAGES if with_images else NO_IMAGES),
        "X-Frame-Options": "SAMEORIGIN",
        "Cache-Control": "no-store",
    }
    return HttpResponse(with_head(html, NEW_TAB + head), headers=headers)


class Tags(HTMLParser):
    """Finds where the head begins, and the targets that links choose for themselves."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=False)
        self.lines = [0, *(match.end() for match in re.finditer("\n", html))]
        self.head = self.after_doctype = 0
        self.links: list[tuple[int, str]] = []
        self.feed(html)
        self.close()

    @property
    def position(self) -> int:
        line, column = self.getpos()
        return self.lines[line - 1] + column

    def handle_decl(self, decl: str) -> None:
        self.after_doctype = self.after_doctype or self.position + len(decl) + 3

    def handle_starttag(self, tag: str, attrs: object) -> None:
        text = self.get_starttag_text() or ""
        if tag in ("a", "area", "base"):
            self.links.append((self.position, text))
        if tag == "head" or (tag == "html" and not self.head):
            self.head = self.position + len(text)


def with_head(html: str, addition: str) -> str:
    """Return the HTML with the addition at the beginning of its head, and without targets that links choose.

    In front of the doctype, the addition would switch browsers to their rules of 1998.
    """
    tags = Tags(html)
    edits = [(position, text, TARGET.sub("", text)) for position, text in tags.links]
    edits.append((tags.head or tags.after_doctype, "", addition))
    for position, old, new in sorted(edits, reverse=True):
        html = html[:position] + new + html[position + len(old) :]
    return html
