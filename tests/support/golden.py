"""The golden files of an email, which tests/test_mail_texts.py compares.

    python -m tests.support.golden FOLDER KIND… [--templates FOLDER]

writes those of some kinds to a folder. ``--templates`` names another folder to find their templates in, first.
"""

import argparse
import sys
from pathlib import Path

import django
from django.conf import settings

from emails import samples


def files_of(kind: str, language: str) -> dict[str, str]:
    """Return the content of each golden file by its name."""
    rendered = samples.render_sample(kind, language)
    parts = {"txt": f"{rendered.subject}\n\n{rendered.text}", "html": rendered.html}
    return {f"{kind}.{language}.{suffix}": content for suffix, content in parts.items()}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("kinds", nargs="+")
    parser.add_argument("--templates", type=Path)
    options = parser.parse_args(arguments)
    if options.templates:
        for engine in settings.TEMPLATES:
            engine["DIRS"] = [options.templates, *engine.get("DIRS", [])]
    django.setup()
    for kind in options.kinds:
        for language, _ in settings.LANGUAGES:
            for name, content in files_of(kind, language).items():
                (options.folder / name).write_text(content, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
