"""Kinds of email for tests, in a separate templates folder."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WriteKind = Callable[..., Path]


@pytest.fixture
def write_kind(settings: Any, tmp_path: Path) -> WriteKind:
    """Return a function that writes a kind into an otherwise empty templates/emails/ and returns its folder."""
    templates = copy.deepcopy(settings.TEMPLATES)
    templates[0]["DIRS"] = [tmp_path, *templates[0]["DIRS"]]
    templates[1]["DIRS"] = [tmp_path]
    settings.TEMPLATES = templates

    def write(name: str, html: str = "<p>Hi {{ name }}</p>", sample: str = '{"name": "Ada"}') -> Path:
        folder = tmp_path / "emails" / name
        folder.mkdir(parents=True)
        parts = {"subject.txt": "Hi {{ name }}", "body.txt": "Hi {{ name }}", "body.html": html, "sample.json": sample}
        for part, content in parts.items():
            (folder / part).write_text(content)
        return folder

    return write
