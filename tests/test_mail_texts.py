"""Every mail in every language, to the letter, as tests/golden/ holds it.

After a change that is meant, or for a new kind: UPDATE_GOLDEN=1 bin/test tests/test_mail_texts.py, and read the diff.
"""

import os
from pathlib import Path

import pytest
from django.conf import settings

from emails import samples

GOLDEN = Path(__file__).resolve().parent / "golden"
MAILS = [(kind, language) for kind in samples.folders() for language, _ in settings.LANGUAGES]


@pytest.mark.parametrize(("kind", "language"), MAILS)
def test_a_mail_is_as_it_was_when_somebody_read_it(kind, language):
    rendered = samples.render_sample(kind, language)
    parts = {"txt": f"{rendered.subject}\n\n{rendered.text}", "html": rendered.html}
    for suffix, content in parts.items():
        path = GOLDEN / f"{kind}.{language}.{suffix}"
        if os.environ.get("UPDATE_GOLDEN") == "1":
            path.write_text(content, "utf-8")
        assert path.is_file(), f"{path.name} is missing: UPDATE_GOLDEN=1 bin/test tests/test_mail_texts.py writes it."
        assert content == path.read_text("utf-8")


def test_nothing_is_left_of_a_kind_that_is_gone():
    assert {path.name.rsplit(".", 1)[0] for path in GOLDEN.iterdir()} == {".".join(mail) for mail in MAILS}


@pytest.mark.parametrize("kind", samples.folders())
def test_no_language_is_a_copy_of_another(kind):
    texts = {samples.render_sample(kind, language).text for language, _ in settings.LANGUAGES}
    subjects = {samples.render_sample(kind, language).subject for language, _ in settings.LANGUAGES}
    assert len(texts) == len(subjects) == len(settings.LANGUAGES)
