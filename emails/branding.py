"""What every email shows about the company, and its colors. Text is readable whatever BRAND_COLOR is, also in the dark.

Emails need one hexadecimal color per use: email programs know neither variables nor color functions.
"""

from functools import lru_cache

from django.conf import settings
from django.utils.translation import get_language, get_language_bidi

from common.colors import BLACK, WHITE, Color, contrast, ink_on, parse, readable, to_hex

LIGHT = {"page": "#f3f4f6", "card": "#ffffff", "text": "#1f2430", "muted": "#58606e", "line": "#d9dde3"}
DARK = {"page": "#12151c", "card": "#1b1f29", "text": "#e6e8ee", "muted": "#a9b1be", "line": "#3a414e"}
VISIBLE_EDGE = 3.0  # WCAG 2.2, 1.4.11: the contrast between the edge of a button and what is around it

Tones = dict[str, str]


def brand() -> dict[str, str]:
    return {
        "name": settings.BRAND_NAME,
        "color": six_digits(settings.BRAND_COLOR),
        "logo_url": settings.BRAND_LOGO_URL,
        "logo_width": str(settings.BRAND_LOGO_WIDTH),
        "address": settings.BRAND_ADDRESS,
        "tax_id": settings.BRAND_TAX_ID,
        "support_email": settings.SUPPORT_EMAIL,
    }


@lru_cache(maxsize=32)
def six_digits(color: str) -> str:
    """Return ``#2255dd`` for ``#25d``, which Word misreads in an attribute."""
    return to_hex(parse(color))


def layout() -> dict[str, str]:
    """Return the active language and its direction. Email programs know left and right, but not start and end."""
    is_rtl = get_language_bidi()
    return {
        "language": get_language() or settings.LANGUAGE_CODE,
        "dir": "rtl" if is_rtl else "ltr",
        "start": "right" if is_rtl else "left",
        "end": "left" if is_rtl else "right",
    }


def colors() -> dict[str, str | Tones]:
    """Return the tones of light and dark mode, and the color of text on the brand's color, all such as ``#2456d6``."""
    return colors_for(settings.BRAND_COLOR)


# Not one value for the process, because tests and previews change BRAND_COLOR.
@lru_cache(maxsize=32)
def colors_for(brand_color: str) -> dict[str, str | Tones]:
    color = parse(brand_color)
    return {
        # The background that leaves links the least contrast: the page in light mode, and the card in dark mode.
        "light": LIGHT | tones(color, card=LIGHT["card"], background=LIGHT["page"], towards=BLACK),
        "dark": DARK | tones(color, card=DARK["card"], background=DARK["card"], towards=WHITE),
        "on_brand": to_hex(ink_on(color)),
    }


def tones(color: Color, *, card: str, background: str, towards: Color) -> Tones:
    """Return the colors of links and of the edges of buttons."""
    link = readable(color, parse(background), towards)
    edge = color if contrast(color, parse(card)) >= VISIBLE_EDGE else link
    return {"link": to_hex(link), "edge": to_hex(edge)}
