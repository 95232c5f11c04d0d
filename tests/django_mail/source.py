"""Django's tests of its email API, which are only in its source release."""

import importlib.metadata
import subprocess
import sys
import tarfile
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / "var" / "django-source"


class SourceNotFound(Exception):
    """The source release is not on this machine and could not be downloaded."""


def tests_folder() -> Path:
    """Return the folder ``tests`` of the installed version's source release. Downloads the release if needed.

    Raises ``SourceNotFound``.
    """
    version = importlib.metadata.version("django")
    folder = stored_folder(version)
    if folder is None:
        download(version)
        folder = stored_folder(version)
    if folder is None:
        raise SourceNotFound(f"The source release of Django {version} contains no tests/mail.")
    return folder


def stored_folder(version: str) -> Path | None:
    """Return the folder ``tests`` if the release was downloaded before."""
    folder = CACHE / f"django-{version}" / "tests"
    return (
        folder if (folder / "mail" / "tests.py").exists() or (folder / "mail" / "test_backends.py").exists() else None
    )


def download(version: str) -> None:
    """Download the source release with pip, and extract tests/mail. Raises ``SourceNotFound``."""
    CACHE.mkdir(parents=True, exist_ok=True)
    options = ["--no-deps", "--no-binary", "django", "--quiet", "--dest", str(CACHE), f"django=={version}"]
    result = subprocess.run(  # fixed arguments
        [sys.executable, "-m", "pip", "download", *options], capture_output=True, text=True, check=False
    )
    archives = list(CACHE.glob(f"[dD]jango-{version}.tar.gz"))
    if not archives:
        raise SourceNotFound(
            f"pip could not download the source release of Django {version}. Check that this machine reaches a package "
            f"index, or put the archive into {CACHE}.\n{result.stderr[-1000:]}"
        )
    with tarfile.open(archives[0]) as archive:
        root = archive.getnames()[0].partition("/")[0]
        members = [member for member in archive.getmembers() if member.name.startswith(f"{root}/tests/mail")]
        archive.extractall(CACHE, members, filter="data")
    if root != f"django-{version}":
        (CACHE / root).rename(CACHE / f"django-{version}")
