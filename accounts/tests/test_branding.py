"""Text stays readable in any brand color."""

import pytest

from accounts.pages import branding
from accounts.pages.branding import palette
from common.colors import contrast, parse

COLORS = ["#2456d6", "#ffffff", "#000000", "#ffe600", "#808080", "#0f0", "#e11d48", "#1b1b1b", "#777777", "#fcfcfc"]


@pytest.mark.parametrize("color", COLORS)
def test_button_text_is_readable_on_any_brand_color(settings, color):
    settings.BRAND_COLOR = color
    colors = palette()
    assert colors.brand == "#" + "".join(f"{round(channel * 255):02x}" for channel in parse(color))
    for ground in (colors.brand, colors.brand_hover):
        assert contrast(parse(colors.on_brand), parse(ground)) >= 4.5
    for ground in (colors.dark_brand, colors.dark_brand_hover):
        assert contrast(parse(colors.on_dark_brand), parse(ground)) >= 4.5


@pytest.mark.parametrize("color", COLORS)
def test_button_stands_out_from_the_dark_page(settings, color):
    settings.BRAND_COLOR = color
    assert contrast(parse(palette().dark_brand), parse(branding.DARK_PAGE)) >= branding.MIN_BUTTON_CONTRAST


@pytest.mark.parametrize("color", COLORS)
def test_brand_colored_text_is_readable_on_every_background(settings, color):
    settings.BRAND_COLOR = color
    for ground in ("#ffffff", "#fafaf9", branding.LIGHT_BACKGROUND):
        assert contrast(parse(palette().accent_on_light), parse(ground)) >= 4.5
    for ground in ("#101113", "#17181b", branding.DARK_BACKGROUND):
        assert contrast(parse(palette().accent_on_dark), parse(ground)) >= 4.5


def test_contrast_matches_the_wcag_formula():
    assert contrast(parse("#000"), parse("#fff")) == pytest.approx(21)
    assert contrast(parse("#777"), parse("#fff")) == pytest.approx(4.48, abs=0.01)


def test_brand_stylesheet_is_cached_by_browsers(client, settings):
    settings.BRAND_COLOR = "#ffe600"
    response = client.get("/brand.css")
    assert response["Content-Type"].startswith("text/css")
    assert "--brand: #ffe600" in response.content.decode()
    assert "max-age=31536000" in response["Cache-Control"]


def test_stylesheet_url_changes_with_the_brand(client, settings):
    before = client.get("/").content
    settings.BRAND_COLOR = "#ffe600"
    after = client.get("/").content
    assert branding.version().encode() in after
    assert branding.version().encode() not in before


def test_icon_shows_the_first_letter_of_the_brand(client, settings):
    settings.BRAND_NAME = " <Étoile>"
    response = client.get("/brand.svg")
    assert response["Content-Type"] == "image/svg+xml"
    assert ">&lt;</text>" in response.content.decode()
