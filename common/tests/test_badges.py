"""Each tone of a state has a shape, so that it can be recognized without its color."""

import re
from pathlib import Path

from common.badges import State, Tone, badge

CSS = (Path(__file__).resolve().parents[2] / "static" / "admin" / "operator.css").read_text("utf-8")


def test_badge_escapes_its_words():
    assert badge("<b>", Tone.BAD) == '<span class="badge badge-bad">&lt;b&gt;</span>'
    assert State("Done", Tone.GOOD).badge == '<span class="badge badge-good">Done</span>'


def test_each_tone_has_a_shape_of_its_own():
    shapes = {tone: re.search(rf'\.badge-{tone} {{ --shape: url\("([^"]+)"\)', CSS) for tone in Tone}
    assert all(shapes.values()), shapes
    assert len({shape[1] for shape in shapes.values() if shape}) == len(Tone)
