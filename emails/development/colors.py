"""Previews of light mode, of dark mode, and of what email programs make of an email that they darken themselves."""

import colorsys
import re
from collections.abc import Callable

from emails.lint.colors import FUNCTION, HEX, NAMES, WORD, Color, from_hex, parse

LIGHT, DARK, PARTIAL, FULL = "light", "dark", "partial", "full"
SCHEMES = {
    LIGHT: ("Light", "As it is sent"),
    DARK: ("Dark", "The email's own dark colors, as Apple's and most of Outlook's programs show them"),
    PARTIAL: ("Darkened", "Only light areas and dark text are inverted: Gmail on Android, Outlook.com"),
    FULL: ("Inverted", "Every color is inverted: Gmail on iOS, Outlook on Windows"),
}

STYLE = re.compile(r"(<style\b[^>]*>)(.*?)(</style\s*>)", re.DOTALL | re.IGNORECASE)
STYLE_ATTRIBUTE = re.compile(r"""(\sstyle\s*=\s*)("[^"]*"|'[^']*')""", re.IGNORECASE)
COLOR_ATTRIBUTE = re.compile(r"""(\s)(bgcolor|color)(\s*=\s*["']?)([#\w]+)""", re.IGNORECASE)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
PREFERENCE = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)", re.IGNORECASE)
ALWAYS, NEVER = "(min-width: 0px)", "(max-width: 0px)"
DECLARATION = re.compile(r"(?<![\w-])([a-z-]+)(\s*:\s*)([^;{}]+)", re.IGNORECASE)
BACKGROUNDS = re.compile(r"(?:background|border|outline|bgcolor)[\w-]*")  # areas, and not text
DARKEST = 0.07  # of the backgrounds, because no program makes them quite black
MIDDLE = 0.5


def in_scheme(html: str, scheme: str) -> tuple[str, str]:
    """Return the HTML as it looks in this scheme, and what its head needs in addition."""
    if scheme in (PARTIAL, FULL):
        # These programs know no dark rules of the email's own.
        return darkened(preferring(html, LIGHT), scheme), head_of(
            DARK, f"html{{background:{grey(DARKEST)};color:#fff}}a:link{{color:#9e9eff}}"
        )
    knows_dark = "dark" in "".join(re.findall(r"color-scheme[^;>]*", html))
    return preferring(html, scheme), head_of(scheme if knows_dark else LIGHT)


def head_of(scheme: str, css: str = "") -> str:
    return f"<style>:root{{color-scheme:{scheme}!important}}{css}</style>"


def preferring(html: str, scheme: str) -> str:
    """Return the HTML with the media queries decided, so that the preview doesn't depend on the browser's settings."""

    def decided(match: re.Match[str]) -> str:
        return PREFERENCE.sub(lambda one: ALWAYS if one[1].lower() == scheme else NEVER, match[0])

    return STYLE.sub(decided, html)


def darkened(html: str, scheme: str) -> str:
    """Return the HTML with its colors changed. Images stay as they are."""
    html = STYLE.sub(lambda match: match[1] + changed_css(match[2], scheme) + match[3], html)
    html = STYLE_ATTRIBUTE.sub(lambda match: match[1] + changed_css(match[2], scheme), html)
    return COLOR_ATTRIBUTE.sub(
        lambda match: match[1] + match[2] + match[3] + changed_value(match[4], match[2].lower(), scheme), html
    )


def changed_css(css: str, scheme: str) -> str:
    return DECLARATION.sub(
        lambda match: (
            match[1]
            + match[2]
            + (changed_value(match[3], match[1].lower(), scheme) if is_color(match[1].lower()) else match[3])
        ),
        css,
    )


def is_color(name: str) -> bool:
    return name == "color" or name.startswith(("background", "border", "outline", "text-decoration"))


def changed_value(value: str, name: str, scheme: str) -> str:
    """Return the value with each color in it changed."""
    change = changer(scheme, is_background=BACKGROUNDS.fullmatch(name) is not None)
    for pattern in (FUNCTION, HEX):
        value = pattern.sub(lambda match: change(parse(match[0])) or match[0], value)
    return WORD.sub(lambda match: change(named(match[0])) or match[0], value)


def named(word: str) -> Color | None:
    return from_hex(NAMES[word.lower()]) if word.lower() in NAMES else None


def changer(scheme: str, *, is_background: bool) -> Callable[[Color | None], str]:
    """Return a function that inverts the lightness of a color, or only if it is light (a background) or dark (text)."""

    def change(color: Color | None) -> str:
        if color is None or not color.alpha:
            return ""
        hue, lightness, saturation = colorsys.rgb_to_hls(*color[:3])
        is_affected = lightness > MIDDLE if is_background else lightness < MIDDLE
        if scheme == PARTIAL and not is_affected:
            return ""
        inverted = 1 - lightness
        inverted = DARKEST + inverted * (1 - DARKEST) if is_background else inverted
        return Color(*colorsys.hls_to_rgb(hue, inverted, saturation)).hex

    return change


def grey(lightness: float) -> str:
    return Color(lightness, lightness, lightness).hex
