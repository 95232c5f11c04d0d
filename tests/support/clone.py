"""A copy of the project as somebody would clone it, the uncommitted changes included."""

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.stack import ROOT


def clone_into(folder: Path) -> Path:
    """Copy what git tracks, and what it would track; skips the test where there is no git."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout, to know which files belong to the project")
    listing = subprocess.check_output(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, text=True)
    for name in filter(None, listing.split("\0")):
        with suppress(FileNotFoundError):  # deleted, and not yet committed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder
