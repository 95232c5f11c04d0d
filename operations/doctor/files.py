"""The static files that collectstatic copied, compared with those of the code."""

from collections.abc import Iterator, Sequence
from filecmp import cmp
from pathlib import Path

from django.contrib.staticfiles.apps import StaticFilesConfig
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage

from operations.doctor.checks import Check, Trouble, error

FIX = "Run python manage.py collectstatic --no-input, and restart the web server."


def static_files() -> Iterator[Trouble]:
    """Check that each file of the code is in the manifest, and that its copy is the same."""
    if not isinstance(staticfiles_storage, ManifestFilesMixin):  # development serves files from the code
        return
    collected = Path(staticfiles_storage.location)
    if not staticfiles_storage.hashed_files:
        yield error(f"There is no manifest in {collected}, so every page fails.", FIX)
        return
    files = {path.replace("\\", "/"): Path(storage.path(path)) for path, storage in files_of_the_code()}
    missing = sorted(files.keys() - staticfiles_storage.hashed_files.keys())
    if missing:
        yield error(f"{counted(missing)} missing from {collected}, for example {missing[0]}.", FIX)
    old = sorted(name for name in files.keys() - {*missing} if is_different(files[name], collected / name))
    if old:
        yield error(f"{counted(old)} older in {collected} than in the code, for example {old[0]}.", FIX)


def counted(names: Sequence[str]) -> str:
    return "1 file is" if len(names) == 1 else f"{len(names)} files are"


def files_of_the_code() -> Iterator[tuple[str, object]]:
    seen: set[str] = set()  # of two files with one name, collectstatic takes the first
    for finder in get_finders():
        for path, storage in finder.list(StaticFilesConfig.ignore_patterns):
            if path not in seen:
                seen.add(path)
                yield path, storage


def is_different(original: Path, copy: Path) -> bool:
    """Compare the contents, because times of files change with each checkout. Without a copy, nothing is known."""
    return copy.exists() and not cmp(original, copy, shallow=False)


CHECKS = (Check("static.files", "static files", static_files),)
