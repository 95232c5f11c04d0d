"""Emails as Chromium shows them: text is readable in any brand color, in light and dark mode, and nothing overflows."""

import re

import pytest
from django.conf import settings as project

from common.colors import contrast, parse
from emails import samples
from emails.branding import colors_for
from tests.support.site import CHROMIUM

COLORS = ["#2456d6", "#ffffff", "#000000", "#ffe600", "#808080", "#e11d48"]
# Each visible piece of text with its color and the nearest background behind it.
VISIBLE_TEXT = """() => {
    const hex = color => '#' + color.match(/\\d+/g).slice(0, 3).map(n => (+n).toString(16).padStart(2, '0')).join('');
    const background = element => {
        const color = getComputedStyle(element).backgroundColor;
        return color === 'rgba(0, 0, 0, 0)' ? background(element.parentElement) : hex(color);
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (walker.currentNode.data.trim() && element.getClientRects().length)
            found.push([walker.currentNode.data.trim(), hex(getComputedStyle(element).color), background(element)]);
    }
    return found;
}"""
STYLES = re.compile(r"<style>.*?</style>", re.DOTALL)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium")
@pytest.mark.parametrize("color", COLORS)
def test_text_is_readable_and_fits_in_every_email(settings, browser, color):
    settings.BRAND_COLOR = color
    page = browser.new_page(viewport={"width": 320, "height": 400})
    languages = [code for code, _ in project.LANGUAGES] if color == COLORS[0] else ["en"]
    for kind in samples.folders():
        for language in languages:
            html = samples.render_sample(kind, language).html
            for scheme, source in (("light", html), ("dark", html), ("light", STYLES.sub("", html))):
                page.emulate_media(color_scheme=scheme)
                page.set_content(source)
                found = page.evaluate(VISIBLE_TEXT)
                assert len(found) > 5
                for text, ink, ground in found:
                    assert contrast(parse(ink), parse(ground)) >= 4.5, (kind, scheme, text, ink, ground)
                assert page.evaluate("document.documentElement.scrollWidth") <= 320, (kind, language, scheme)
    page.close()


@pytest.mark.parametrize("color", [*COLORS, "#0f0", "#1b1b1b", "#777777", "#fcfcfc", "#7f7f00", "#0000ff"])
def test_every_pair_of_colors_is_readable(color):
    tones = colors_for(color)
    assert contrast(parse(str(tones["on_brand"])), parse(color)) >= 4.5
    for mode in ("light", "dark"):
        shades = tones[mode]
        assert isinstance(shades, dict)
        for ink in ("text", "muted", "link"):
            for ground in ("page", "card"):
                assert contrast(parse(shades[ink]), parse(shades[ground])) >= 4.5, (mode, ink, ground)
        assert contrast(parse(shades["edge"]), parse(shades["card"])) >= 3
