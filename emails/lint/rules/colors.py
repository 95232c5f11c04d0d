"""Contrast in light and in dark mode, and the size of text."""

from collections.abc import Iterator

from emails.lint.colors import contrast
from emails.lint.computed import DARK, LIGHT, Styles
from emails.lint.document import Element
from emails.lint.email import LintedEmail
from emails.lint.findings import Finding, error, warning

# WCAG 2.2, level AA, 1.4.3.
MIN_CONTRAST, MIN_CONTRAST_OF_LARGE_TEXT = 4.5, 3.0
LARGE, LARGE_IF_BOLD = 24.0, 18.66
MIN_FONT_SIZE = 14.0


def contrasts(email: LintedEmail) -> Iterator[Finding]:
    for scheme in (LIGHT, DARK):
        styles = email.styles(scheme)
        for element in elements_with_text(email):
            ratio, color, background = contrast_of(styles, element)
            if ratio < (least := needed(styles, element)):
                message = f"{color} on {background} has a contrast of {ratio:.2f} in {scheme} mode, below {least}."
                yield error("contrast", message, email.place(element))


def contrast_of(styles: Styles, element: Element) -> tuple[float, str, str]:
    """Return the contrast of the element's text with what is behind it, and both colors."""
    background = styles.background(element)
    color = styles.color(element).over(background)
    return contrast(color, background), color.hex, background.hex


def needed(styles: Styles, element: Element) -> float:
    size = styles.font_size(element)
    is_large = size >= LARGE or (size >= LARGE_IF_BOLD and styles.is_bold(element))
    return MIN_CONTRAST_OF_LARGE_TEXT if is_large else MIN_CONTRAST


def elements_with_text(email: LintedEmail) -> list[Element]:
    return [*dict.fromkeys(element for element, _ in email.visible_texts())]


def colors_in_pairs(email: LintedEmail) -> Iterator[Finding]:
    """Report text that declares its color, but not what is behind it."""
    for element in elements_with_text(email):
        has_color = any("color" in email.light.of(one) for one in element.ancestors())
        if has_color and not email.light.has_background(element):
            message = "This text has a color but no background, so it may vanish in dark mode."
            yield warning("color-pair", message, email.place(element))


def text_size(email: LintedEmail) -> Iterator[Finding]:
    for element in elements_with_text(email):
        size = email.light.font_size(element)
        if size < MIN_FONT_SIZE:
            yield warning("text-size", f"Text of {size:g} px is hard to read. Use 14 px or more.", email.place(element))


RULES = (contrasts, colors_in_pairs, text_size)
