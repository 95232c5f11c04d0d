"""Renders a kind and its context to a subject, a text, and HTML.

A kind is a folder under templates/emails/ with subject.txt, body.txt, and body.html, which extends base.html. Text
parts use a separate template engine without autoescaping, because Django turns escaping on and off per engine.

A variable that the context lacks is an error, because the reader would see a gap. Pass an optional variable as an empty
value.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from typing import cast

import css_inline
from django.conf import settings
from django.template import Engine, TemplateDoesNotExist, engines
from django.template.backends.django import DjangoTemplates
from django.utils import translation

from emails.branding import brand, colors, layout
from emails.errors import UnknownKind
from emails.folders import KIND, TEXT_ENGINE, folders, unknown_kind
from emails.strict_templates import StrictEngine, strict_engine

HTML_ENGINE = "django"
# Renders a part, given the engine's name, the kind, the part's file name, and the context.
PartRenderer = Callable[[str, str, str, Mapping[str, object]], str]
KEPT = ' data-css-inline="keep"'  # css-inline leaves such a <style> alone
BLANK_LINES = re.compile(r"\n\s*\n\s*\n+")


@dataclass(frozen=True, slots=True)
class RenderedEmail:
    subject: str
    text: str
    html: str


def render_email(kind: str, context: Mapping[str, object], language: str | None = None) -> RenderedEmail:
    """Render the three parts in ``language`` (by default the active one), with the CSS inlined into the HTML.

    Raises ``UnknownKind`` for a kind without a folder or a part, ``MissingVariable`` if the context lacks a variable
    that a template looks up, and ``BrokenTemplate`` for one with an error in it.
    """
    parts = render_parts(kind, context, language)
    return RenderedEmail(parts.subject, parts.text, with_inline_styles(parts.html))


def render_part(
    engine: str,
    kind: str,
    part: str,
    context: Mapping[str, object],
    engine_for: Callable[[Engine], StrictEngine] = strict_engine,
) -> str:
    name = f"emails/{kind}/{part}"
    try:
        values = {**shared_context(), **context}
        return engine_for(cast(DjangoTemplates, engines[engine]).engine).render(name, kind, values)
    except TemplateDoesNotExist as error:
        if str(error) != name:
            raise
    raise UnknownKind(f"templates/{name} is missing." if kind in folders() else unknown_kind(kind))


def render_parts(
    kind: str, context: Mapping[str, object], language: str | None = None, render: PartRenderer = render_part
) -> RenderedEmail:
    """Return the parts as the templates produce them, with the styles still in <style>. ``render`` renders one part."""
    if not KIND.fullmatch(kind):
        raise UnknownKind(unknown_kind(kind))
    # override(None) would turn translations off instead of keeping the active language.
    with translation.override(language) if language else nullcontext():
        subject = one_line(render(TEXT_ENGINE, kind, "subject.txt", context))
        # The layouts show the subject as the title, and as the headline of a kind without its own.
        context = {**context, "subject": subject}
        text = render(TEXT_ENGINE, kind, "body.txt", context)
        html = render(HTML_ENGINE, kind, "body.html", context)
    return RenderedEmail(subject, without_gaps(text), html)


def shared_context() -> dict[str, object]:
    """Return the variables that every kind has, in the active language."""
    return {"brand": brand(), "colors": colors(), "layout": layout(), "app_url": settings.APP_URL}


def one_line(text: str) -> str:
    return " ".join(text.split())


def without_gaps(text: str) -> str:
    """Collapse the blank lines that template tags leave behind."""
    return BLANK_LINES.sub("\n\n", text).strip() + "\n"


def with_inline_styles(html: str) -> str:
    """Write the styles into the elements, because some email programs drop every ``<style>``.

    If the template marks blocks to keep, these stay as they are, and all others go. Otherwise, the rules that can't be
    inlined, such as @media, stay.
    """
    if KEPT not in html:
        return inliner(keep_at_rules=True).inline(html)
    return inliner(keep_at_rules=False).inline(html).replace(KEPT, "")


@cache
def inliner(*, keep_at_rules: bool) -> css_inline.CSSInliner:
    """Return an inliner that never loads remote files."""
    # Two instances per process. css_inline takes about 0.1 ms per email, and premailer 3.5 ms.
    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=keep_at_rules)
