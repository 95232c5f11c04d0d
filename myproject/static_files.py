"""Checks that `manage.py collectstatic` ran. Without it, each page that uses a static file would fail."""

from django.contrib.staticfiles.apps import StaticFilesConfig
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.exceptions import ImproperlyConfigured

LISTED_FILES = 3


def require_collected_files() -> None:
    """Raise ImproperlyConfigured if a static file of the code is missing from the manifest that collectstatic wrote."""
    if not isinstance(staticfiles_storage, ManifestFilesMixin):  # development and tests serve files from the code
        return
    if missing := sorted(files_of_the_code() - staticfiles_storage.hashed_files.keys()):
        files = ", ".join(missing[:LISTED_FILES]) + (", …" if missing[LISTED_FILES:] else "")
        raise ImproperlyConfigured(
            f"Static files are missing from {staticfiles_storage.location} ({files}). "
            "Run python manage.py collectstatic --no-input after each change of the code, and start again."
        )


def files_of_the_code() -> set[str]:
    ignored = StaticFilesConfig.ignore_patterns
    return {path.replace("\\", "/") for finder in get_finders() for path, _ in finder.list(ignored)}
