"""Texts that the project's owner still has to replace: ``{% placeholder %}`` marks them, and a check names them."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.checks import CheckMessage, Warning, register  # noqa: A004
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.base import Node
from django.template.context import Context
from django.template.loader import render_to_string, select_template

from accounts.pages.marketing import HOME, PRIVACY, TERMS, variants

TAG = "{% placeholder %}"
SHARE_IMAGE = "share.png"
# The file as it comes with the project. bin/brand-images writes another one.
DEFAULT_SHARE_IMAGE = "66dd148909ec59e5819d2876f1b70518cf91ea8a3a8e1a544147e3246cf27070"


class PlaceholderNode(Node):
    """Shows a note to the developer, in development only, and lets the check find the template."""

    def render(self, context: Context) -> str:
        if not settings.DEVELOPMENT_ROUTES:
            return ""
        return render_to_string("marketing/placeholder.html", {"template": self.origin.template_name, "tag": TAG})


@register("accounts", deploy=True)
def check_placeholder_texts(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Only warnings, because the site works, and a first deployment shouldn't wait for a lawyer."""
    return [*problems_with_texts(), *problems_with_share_image()] if settings.PAGES_ENABLED else []


def problems_with_texts() -> Iterator[CheckMessage]:
    """Yield one warning for each file, however many languages use it."""
    found = (problem_with_text(name, language) for name in (HOME, TERMS, PRIVACY) for language, _ in settings.LANGUAGES)
    yield from {problem.msg: problem for problem in found if problem}.values()


def problem_with_text(name: str, language: str) -> CheckMessage | None:
    names = variants(name, language)
    try:
        template: Any = select_template(names)
    except TemplateDoesNotExist:
        return Warning(
            f"The page /{'' if name == HOME else name} has no template.",
            hint=f"Add {names[-1]} to the templates folder. docs/pages.md describes what belongs there.",
            id="accounts.W002",
        )
    except TemplateSyntaxError as error:
        return Warning(f"{' or '.join(names)} has an error: {error}", hint="Fix the template.", id="accounts.W003")
    if not has_placeholder(template.template.nodelist):
        return None
    return Warning(
        f"{template.template.name} still contains placeholder text.",
        hint=f"Replace the text in {template.origin.name}, and delete the line {TAG} there.",
        id="accounts.W001",
    )


def has_placeholder(nodes: Any) -> bool:
    return any(nodes.get_nodes_by_type(PlaceholderNode))


def problems_with_share_image() -> Iterator[CheckMessage]:
    path = finders.find(SHARE_IMAGE)
    if path and hashlib.sha256(Path(path).read_bytes()).hexdigest() == DEFAULT_SHARE_IMAGE:
        yield Warning(
            f"static/{SHARE_IMAGE}, the picture for links to your site, is still the default.",
            hint="Run bin/brand-images with your BRAND_NAME and BRAND_COLOR, or replace the file: 1200 × 630 pixels.",
            id="accounts.W004",
        )
