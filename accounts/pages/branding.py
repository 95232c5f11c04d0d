"""The brand's colors and icon. Text stays readable whatever BRAND_COLOR is, in light mode and in dark mode."""

import hashlib
from dataclasses import asdict, dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from common.colors import BLACK, WHITE, Color, contrast, ink_on, mix, parse, readable, to_hex

# The backgrounds in static/site.css that leave text in the brand's color the least contrast: the darkest one in light
# mode, and the lightest one in dark mode.
LIGHT_BACKGROUND, DARK_BACKGROUND = "#f4f4f2", "#222327"
HOVER_SHARE = 0.14
DARK_PAGE = "#101113"
MIN_BUTTON_CONTRAST = 1.6  # a darker button would look like the page around it, and gets almost white instead
LIGHTENED_SHARE = 0.9
CACHED_SECONDS = 365 * 24 * 60 * 60  # the URL changes with version()
ICON_SECONDS = 24 * 60 * 60  # these URLs never change


@dataclass(frozen=True, slots=True)
class Palette:
    """CSS colors such as ``#2456d6``."""

    brand: str
    brand_hover: str
    on_brand: str
    accent_on_light: str
    accent_on_dark: str
    # The first three in dark mode, where a brand color that is almost black becomes almost white.
    dark_brand: str
    dark_brand_hover: str
    on_dark_brand: str


def palette() -> Palette:
    """Return the colors that brand.css and brand.svg use, all derived from BRAND_COLOR."""
    brand = parse(settings.BRAND_COLOR)
    is_lost_in_the_dark = contrast(brand, parse(DARK_PAGE)) < MIN_BUTTON_CONTRAST
    dark_brand = mix(brand, WHITE, LIGHTENED_SHARE) if is_lost_in_the_dark else brand
    return Palette(
        brand=to_hex(brand),
        brand_hover=to_hex(hover(brand)),
        on_brand=to_hex(ink_on(brand)),
        accent_on_light=to_hex(readable(brand, parse(LIGHT_BACKGROUND), BLACK)),
        accent_on_dark=to_hex(readable(brand, parse(DARK_BACKGROUND), WHITE)),
        dark_brand=to_hex(dark_brand),
        dark_brand_hover=to_hex(hover(dark_brand)),
        on_dark_brand=to_hex(ink_on(dark_brand)),
    )


def hover(color: Color) -> Color:
    """Return the color of a button under the pointer, which leaves its text more contrast."""
    return mix(color, WHITE if ink_on(color) == BLACK else BLACK, HOVER_SHARE)


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


@cache_control(public=True, max_age=ICON_SECONDS)
@require_safe
def icon(request: HttpRequest) -> HttpResponse:
    return redirect(static("icons/favicon.ico"))


@cache_control(public=True, max_age=ICON_SECONDS)
@require_safe
def touch_icon(request: HttpRequest) -> HttpResponse:
    return redirect(static("icons/apple-touch-icon.png"))


def version() -> str:
    """Return a hash of what the two files show. As part of their URLs, it lets browsers cache them for a year."""
    return hashlib.sha256(f"{settings.BRAND_NAME} {palette()}".encode()).hexdigest()[:12]
