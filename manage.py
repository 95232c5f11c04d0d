#!/usr/bin/env python3
"""Django's command line. The default for DJANGO_SETTINGS_MODULE is settings.development.

Works with any Python: outside of a virtual environment, it continues with the one that bin/dev created.
"""

import os
import sys
from importlib.util import find_spec

FOLDER = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(FOLDER, os.environ.get("VENV") or ".venv")
ADVICE = "Run bin/dev, which installs everything and starts the project, or bin/setup requirements.txt."


def main() -> None:
    use_virtual_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.development")
    # Only now, because the Python that started may have no Django.
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    try:
        from settings.diagnosis import diagnosed  # noqa: PLC0415
        from settings.startup import explained  # noqa: PLC0415
    except ImproperlyConfigured as error:  # from the package itself, which is no settings module
        sys.exit(f"Error: {error}")

    with explained(traceback="--traceback" in sys.argv), diagnosed(sys.argv):
        execute_from_command_line(sys.argv)


def use_virtual_environment() -> None:
    """Continue with the project's Python, unless another virtual environment with Django is active."""
    has_django = find_spec("django") is not None
    if has_django and (sys.prefix != sys.base_prefix or not os.path.exists(VENV)):
        return
    if os.path.realpath(sys.prefix) == os.path.realpath(VENV):
        sys.exit(f"Error: {VENV} is incomplete: it has no Django. {ADVICE}")
    python = os.path.join(VENV, "bin", "python")
    if not os.path.exists(python):
        if has_django:
            return
        sys.exit(f"Error: {sys.executable} has no Django, and there is no {VENV}. {ADVICE}")
    # orig_argv has options such as -W as well, but not before Python 3.10.
    arguments = getattr(sys, "orig_argv", ["", *sys.argv])[1:]
    os.execv(python, [python, *arguments])  # noqa: S606


if __name__ == "__main__":
    main()
