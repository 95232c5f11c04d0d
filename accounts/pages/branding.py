"""The brand's colors and icon. Text stays readable whatever BRAND_COLOR is, in light mode and in dark mode."""

import hashlib
from dataclasses import asdict, dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

BLACK, WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
# The backgrounds in static/site.css that leave text in the brand's color the least contrast: the darkest one in light
# mode, and the lightest one in dark mode.
LIGHT_BACKGROUND, DARK_BACKGROUND = "#f4f4f2", "#222327"
MIN_CONTRAST = 4.6  # WCAG 2.2, 1.4.3 requires 4.5
STEPS = 50  # from a color to black or white
HOVER_SHARE = 0.14
CACHED_SECONDS = 365 * 24 * 60 * 60  # the URL changes with version()

Color = tuple[float, float, float]  # red, green, blue from 0 to 1


@dataclass(frozen=True, slots=True)
class Palette:
    """CSS colors such as ``#2456d6``."""

    brand: str
    brand_hover: str
    on_brand: str
    accent_on_light: str
    accent_on_dark: str


def palette() -> Palette:
    """Return the colors that brand.css and brand.svg use, all derived from BRAND_COLOR."""
    brand = parse(settings.BRAND_COLOR)
    on_brand = max(BLACK, WHITE, key=lambda ink: contrast(ink, brand))  # at least one always reaches 4.58
    return Palette(
        brand=to_hex(brand),
        brand_hover=to_hex(mix(brand, WHITE if on_brand == BLACK else BLACK, HOVER_SHARE)),
        on_brand=to_hex(on_brand),
        accent_on_light=to_hex(readable(brand, parse(LIGHT_BACKGROUND), BLACK)),
        accent_on_dark=to_hex(readable(brand, parse(DARK_BACKGROUND), WHITE)),
    )


def readable(color: Color, background: Color, towards: Color) -> Color:
    """Return the color, mixed with as little of ``towards`` as makes it readable on the background."""
    # The last candidate is black or white, which is readable on both backgrounds.
    candidates = (mix(color, towards, step / STEPS) for step in range(STEPS + 1))
    return next(candidate for candidate in candidates if contrast(candidate, background) >= MIN_CONTRAST)


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio, from 1 to 21, as https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio defines it."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: Color) -> float:
    # https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in color
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def mix(color: Color, other: Color, share: float) -> Color:
    red, green, blue = (a + (b - a) * share for a, b in zip(color, other, strict=True))
    return red, green, blue


def parse(text: str) -> Color:
    digits = text.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def to_hex(color: Color) -> str:
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in color)


@cache_control(public=True, max_age=CACHED_SECONDS)
@require_safe
def stylesheet(request: HttpRequest) -> HttpResponse:
    """Return /brand.css. The colors are in a file because the site's CSP forbids styles inside a page."""
    return render(request, "brand.css", asdict(palette()), content_type="text/css")


@cache_control(public=True, max_age=CACHED_SECONDS)
@require_safe
def mark(request: HttpRequest) -> HttpResponse:
    """Return /brand.svg, the site's icon: the first letter of the name on the brand's color."""
    context = {**asdict(palette()), "letter": settings.BRAND_NAME.strip()[:1].upper()}
    return render(request, "brand.svg", context, content_type="image/svg+xml")


def version() -> str:
    """Return a hash of what the two files show. As part of their URLs, it lets browsers cache them for a year."""
    return hashlib.sha256(f"{settings.BRAND_NAME} {palette()}".encode()).hexdigest()[:12]
