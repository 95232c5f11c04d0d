"""Tags of the admin's templates. settings/base.py registers them, because ``common`` is no Django app."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

register = template.Library()


@register.simple_tag
def first_template(*names: str) -> Sequence[str]:
    """Return the names for ``{% include %}``, which takes the first template that exists."""
    return names


@register.filter
def with_labels(cells: Iterable[SafeString], headers: Sequence[dict[str, Any]]) -> list[SafeString]:
    """Return the cells of one row of a list, each with the title of its column.

    On a narrow screen, where the titles of the columns aren't shown, operator.css writes them in front of the values.
    """
    return [with_label(cell, str(header["text"])) for cell, header in zip(cells, headers, strict=False)]


def with_label(cell: SafeString, text: str) -> SafeString:
    if "<" in text:  # the title of the column with checkboxes is one itself
        return cell
    tag, rest = cell[:3], cell[3:]  # "<td" or "<th"
    return mark_safe(format_html('{} data-label="{}"', mark_safe(tag), capfirst(text)) + rest)  # noqa: S308
