"""Django's own tests of its email API, through the outbox to SMTP. See tests/django_mail."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from tests.django_mail.differences import REASONS
from tests.django_mail.source import stored_folder

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("reason", REASONS)
def test_documentation_names_the_difference(reason):
    assert reason in (ROOT / "docs" / "providers.md").read_text()


@pytest.mark.slow
def test_nothing_else_differs_from_django_alone():
    if stored_folder(importlib.metadata.version("django")) is None:
        pytest.skip("needs Django's source release: run bin/django-mail-tests once")
    result = subprocess.run(
        [sys.executable, "-m", "tests.django_mail"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout
