"""The rules, one function each. Each module has those about one part of an email."""

from collections.abc import Callable, Iterator

from emails.lint.email import LintedEmail
from emails.lint.findings import Finding
from emails.lint.rules import colors, images, links, size, structure, styles, text

Rule = Callable[[LintedEmail], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    *size.RULES,
    *structure.RULES,
    *styles.RULES,
    *colors.RULES,
    *images.RULES,
    *links.RULES,
    *text.RULES,
)
