"""The path of one email in docs/architecture.md: short, and made of files that an email really passes through."""

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from emails import tasks
from emails.models import OutboundEmail
from tests.support.stack import ROOT

MAX_FILES = 18
ADA = {"email": "ada@example.com", "name": "Ada", "password": "correct horse battery"}


@contextmanager
def entered_files() -> Iterator[set[str]]:
    """Collect the project's files in which functions run, in every thread that starts meanwhile."""
    files: set[str] = set()

    def record(frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and frame.f_code.co_name != "<module>" and path.is_relative_to(ROOT):
            files.add(path.relative_to(ROOT).as_posix())

    threading.setprofile(record)
    sys.setprofile(record)
    try:
        yield files
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


@pytest.mark.django_db(transaction=True)
def test_documented_path_is_the_path_of_an_email(client, settings, provider_api):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    settings.EMAIL_PROVIDER, settings.RESEND_API_KEY = "resend", "re_key_of_the_tests"
    settings.RESEND_API_URL = provider_api.url("resend")
    with entered_files() as entered:
        assert client.post("/api/accounts/signup/", ADA, content_type="application/json").status_code == 201
        tasks.deliver_due()
    assert OutboundEmail.objects.get().status == "sent"
    table = re.findall(r"^\| (\d+) \| `(\S+\.py)` \|", (ROOT / "docs/architecture.md").read_text(), re.MULTILINE)
    print(f"{len(table)} files on the path of one email, of {len(entered)} in which anything ran")
    assert [int(number) for number, _ in table] == list(range(1, len(table) + 1))
    assert [file for _, file in table if file not in entered] == []
    assert len(table) <= MAX_FILES
