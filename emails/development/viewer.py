"""The viewer that the inbox and the gallery share: its tabs, widths, and color schemes, all of them plain links."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode

from common.html_frame import framed_html
from emails import lint
from emails.development import colors
from emails.lint.rules.size import BYTES_PER_TRACKED_LINK, CLIP_ERROR, CLIP_WARNING

WIDTHS = {"320": "320", "600": "600", "full": "Full"}
# Mail programs that drop styles or images, as a choice in the viewer.
OMISSIONS = {"": "Everything", "images": "No images", "styles": "No <style>"}
STYLE = re.compile(r"<style\b[^>]*>.*?</style\s*>", re.DOTALL | re.IGNORECASE)
MAX_SOURCE = 200_000  # characters shown on a page; the download has all of them


@dataclass(frozen=True, slots=True)
class Choice:
    """One link of a switch."""

    label: str
    url: str
    is_current: bool
    title: str = ""


@dataclass(frozen=True)
class View:
    """What the query string chooses. Unknown values count as the default."""

    tab: str
    first_tab: str = ""
    width: str = "full"
    scheme: str = colors.LIGHT
    without: str = ""
    others: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, request: HttpRequest, tabs: Iterable[str], **others: str) -> "View":
        """Return the view that the request asks for. The first tab is the default."""
        names = [*tabs]
        return cls(
            tab=chosen(request, "tab", names),
            first_tab=names[0],
            width=chosen(request, "width", ["full", *WIDTHS]),
            scheme=chosen(request, "scheme", [*colors.SCHEMES]),
            without=chosen(request, "without", [*OMISSIONS]),
            others={name: value for name, value in others.items() if value},
        )

    def url(self, path: str = "", **changes: str) -> str:
        """Return a link to the same view with changes, without what is the default."""
        values = {"tab": self.tab, "width": self.width, "scheme": self.scheme, "without": self.without}
        defaults = {"tab": self.first_tab, "width": "full", "scheme": colors.LIGHT, "without": "", "scenario": ""}
        query = {**self.others, **values, **changes}
        return f"{path}?{urlencode({name: value for name, value in query.items() if value != defaults.get(name)})}"

    def choices(self, name: str, labels: Mapping[str, str], titles: Mapping[str, str] | None = None) -> list[Choice]:
        return self.choices_of(name, labels, getattr(self, name), titles)

    def choices_of(
        self, name: str, labels: Mapping[str, str], current: str, titles: Mapping[str, str] | None = None
    ) -> list[Choice]:
        """Return a link for each value of a parameter."""
        return [
            Choice(label, self.url(**{name: value}), value == current, (titles or {}).get(value, ""))
            for value, label in labels.items()
        ]

    def context(self) -> dict[str, Any]:
        """Return the switches of the HTML tab, and the query of its frame."""
        schemes = {name: label for name, (label, _) in colors.SCHEMES.items()}
        titles = {name: title for name, (_, title) in colors.SCHEMES.items()}
        return {
            "view": self,
            "widths": self.choices("width", WIDTHS),
            "schemes": self.choices("scheme", schemes, titles),
            "omissions": self.choices("without", OMISSIONS),
            "frame_query": urlencode({"scheme": self.scheme, "without": self.without, **self.others}),
        }


def chosen(request: HttpRequest, name: str, values: list[str]) -> str:
    value = request.GET.get(name, values[0])
    return value if value in values else values[0]


def tab_choices(view: View, labels: Mapping[str, str]) -> list[Choice]:
    return view.choices("tab", labels)


def frame(request: HttpRequest, html: str) -> HttpResponse:
    """Return the HTML for the viewer's frame, in the chosen scheme and without what is chosen to be missing."""
    view = View.of(request, [""])
    html, head = colors.in_scheme(html, view.scheme)
    if view.without == "styles":
        html = STYLE.sub("", html)
    return framed_html(html, head=head, with_images=view.without != "images")


@dataclass(frozen=True, slots=True)
class Size:
    """How much of the HTML Gmail shows."""

    bytes: int

    @property
    def percent(self) -> int:
        return min(100, round(100 * self.bytes / CLIP_ERROR))

    @property
    def warning(self) -> str:
        if self.bytes >= CLIP_ERROR:
            return "Gmail clips this email."
        return "Gmail clips emails soon above this size." if self.bytes >= CLIP_WARNING else ""


def size_of(html: str, *, is_tracked: bool = False) -> Size:
    links = len(re.findall(r"<a\b[^>]*\shref\s*=", html, re.IGNORECASE)) if is_tracked else 0
    return Size(len(html.encode(errors="replace")) + links * BYTES_PER_TRACKED_LINK)


def findings_label(findings: list[lint.Finding]) -> str:
    """Return the label of the tab: Checks, or Checks (2)."""
    return f"Checks ({len(findings)})" if findings else "Checks"
