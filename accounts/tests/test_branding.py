"""Whatever colour the owner chooses can be read."""

import pytest

from accounts.pages import branding
from accounts.pages.branding import contrast, palette, parse

COLORS = ["#2456d6", "#ffffff", "#000000", "#ffe600", "#808080", "#0f0", "#e11d48", "#1b1b1b", "#777777", "#fcfcfc"]


@pytest.mark.parametrize("color", COLORS)
def test_text_on_a_button_can_be_read(settings, color):
    settings.BRAND_COLOR = color
    colors = palette()
    assert colors.brand == "#" + "".join(f"{round(channel * 255):02x}" for channel in parse(color))
    for ground in (colors.brand, colors.brand_hover):
        assert contrast(parse(colors.on_brand), parse(ground)) >= 4.5


@pytest.mark.parametrize("color", COLORS)
def test_text_in_the_colour_can_be_read_on_every_ground(settings, color):
    settings.BRAND_COLOR = color
    for ground in ("#ffffff", "#fafaf9", branding.LIGHT_BACKGROUND):
        assert contrast(parse(palette().accent_on_light), parse(ground)) >= 4.5
    for ground in ("#101113", "#17181b", branding.DARK_BACKGROUND):
        assert contrast(parse(palette().accent_on_dark), parse(ground)) >= 4.5


def test_contrast_is_that_of_the_standard():
    assert contrast(parse("#000"), parse("#fff")) == pytest.approx(21)
    assert contrast(parse("#777"), parse("#fff")) == pytest.approx(4.48, abs=0.01)


def test_the_colours_are_a_stylesheet_that_browsers_keep(client, settings):
    settings.BRAND_COLOR = "#ffe600"
    answer = client.get("/brand.css")
    assert answer["Content-Type"].startswith("text/css")
    assert "--brand: #ffe600" in answer.content.decode()
    assert "max-age=31536000" in answer["Cache-Control"]


def test_the_address_of_the_stylesheet_changes_with_the_brand(client, settings):
    before = client.get("/").content
    settings.BRAND_COLOR = "#ffe600"
    after = client.get("/").content
    assert branding.version().encode() in after
    assert branding.version().encode() not in before


def test_the_mark_is_the_first_letter(client, settings):
    settings.BRAND_NAME = " <Étoile>"
    answer = client.get("/brand.svg")
    assert answer["Content-Type"] == "image/svg+xml"
    assert ">&lt;</text>" in answer.content.decode()
