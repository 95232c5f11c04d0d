"""Copies the project like a fresh clone, including uncommitted changes."""

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.stack import ROOT


def clone_into(folder: Path) -> Path:
    """Copy tracked files and untracked files that are not ignored; skip the test if this is not a git checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout to know which files belong to the project")
    listing = subprocess.check_output(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, text=True)
    for name in filter(None, listing.split("\0")):
        with suppress(FileNotFoundError):  # deleted but not yet committed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder
