"""The owner's colour, whichever it is, made readable: on buttons, as text, on light and on dark ground."""

import hashlib
from dataclasses import asdict, dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

BLACK, WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
# The grounds in static/site.css for text in the brand's colour: the darkest light one, the lightest dark one.
LIGHT_GROUND, DARK_GROUND = "#f4f4f2", "#222327"
READABLE = 4.6  # WCAG 2.2, 1.4.3 asks for 4.5
STEPS = 50  # on the way to black or white
HOVER = 0.14
CACHED_SECONDS = 365 * 24 * 60 * 60  # version() is part of the address

Color = tuple[float, float, float]  # red, green, blue from 0 to 1


@dataclass(frozen=True, slots=True)
class Palette:
    """Hexadecimal colours of CSS."""

    brand: str
    brand_hover: str
    on_brand: str
    accent_on_light: str
    accent_on_dark: str


def palette() -> Palette:
    brand = parse(settings.BRAND_COLOR)
    on_brand = max(BLACK, WHITE, key=lambda ink: contrast(ink, brand))  # one of them always reaches 4.58
    return Palette(
        brand=written(brand),
        brand_hover=written(mixed(brand, WHITE if on_brand == BLACK else BLACK, HOVER)),
        on_brand=written(on_brand),
        accent_on_light=written(readable(brand, parse(LIGHT_GROUND), BLACK)),
        accent_on_dark=written(readable(brand, parse(DARK_GROUND), WHITE)),
    )


def readable(color: Color, ground: Color, towards: Color) -> Color:
    """The colour nearest to ``color`` on the way to black or white that can be read on ``ground``."""
    candidates = (mixed(color, towards, step / STEPS) for step in range(STEPS + 1))
    return next(candidate for candidate in candidates if contrast(candidate, ground) >= READABLE)


def contrast(one: Color, other: Color) -> float:
    """From 1 to 21, by https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: Color) -> float:
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in color
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def mixed(color: Color, other: Color, share: float) -> Color:
    red, green, blue = (a + (b - a) * share for a, b in zip(color, other, strict=True))
    return red, green, blue


def parse(text: str) -> Color:
    digits = text.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def written(color: Color) -> str:
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in color)


@cache_control(public=True, max_age=CACHED_SECONDS)
@require_safe
def stylesheet(request: HttpRequest) -> HttpResponse:
    """/brand.css: the colours as a file, since the site's policy allows no style in a page."""
    return render(request, "brand.css", asdict(palette()), content_type="text/css")


@cache_control(public=True, max_age=CACHED_SECONDS)
@require_safe
def mark(request: HttpRequest) -> HttpResponse:
    """/brand.svg: the first letter of the name on the colour, as the site's icon."""
    context = {**asdict(palette()), "letter": settings.BRAND_NAME.strip()[:1].upper()}
    return render(request, "brand.svg", context, content_type="image/svg+xml")


def version() -> str:
    """Changes with what the two files show, so that browsers may keep them."""
    return hashlib.sha256(f"{settings.BRAND_NAME} {palette()}".encode()).hexdigest()[:12]
