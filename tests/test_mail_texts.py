"""Every email in every language matches its golden file in tests/golden/ exactly.

After an intended change or for a new kind, run UPDATE_GOLDEN=1 bin/test tests/test_mail_texts.py and read the diff.
"""

import os
from pathlib import Path

import pytest
from django.conf import settings

from emails import samples
from tests.support.golden import files_of

GOLDEN = Path(__file__).resolve().parent / "golden"
EMAILS = [(kind, language) for kind in samples.folders() for language, _ in settings.LANGUAGES]
WRITTEN_BY_STAFF = {"staff_message"}  # the subject too


@pytest.mark.parametrize(("kind", "language"), EMAILS)
def test_email_matches_its_golden_file(kind, language):
    for name, content in files_of(kind, language).items():
        path = GOLDEN / name
        if os.environ.get("UPDATE_GOLDEN") == "1":
            path.write_text(content, "utf-8")
        assert path.is_file(), f"{path.name} is missing: UPDATE_GOLDEN=1 bin/test tests/test_mail_texts.py writes it."
        assert content == path.read_text("utf-8")


def test_no_golden_file_is_left_over():
    assert {path.name.rsplit(".", 1)[0] for path in GOLDEN.iterdir()} == {".".join(email) for email in EMAILS}


@pytest.mark.parametrize("kind", samples.folders())
def test_every_language_has_its_own_text(kind):
    texts = {samples.render_sample(kind, language).text for language, _ in settings.LANGUAGES}
    subjects = {samples.render_sample(kind, language).subject for language, _ in settings.LANGUAGES}
    assert len(texts) == len(settings.LANGUAGES)
    assert len(subjects) == (1 if kind in WRITTEN_BY_STAFF else len(settings.LANGUAGES))
