"""The kinds of email: the folders under templates/emails/."""

import re
from pathlib import Path

from django.template import engines

TEXT_ENGINE = "text"
KIND = re.compile(r"[a-z][a-z0-9_]*")
PARTS = ("subject.txt", "body.txt", "body.html")


def folders() -> dict[str, Path]:
    """Return the folder of each kind, sorted by name. If a kind has two folders, the one that Django finds first."""
    # Reversed, because in the dict the last one wins.
    found = {folder.name: folder for root in reversed(roots()) for folder in root.iterdir() if is_kind(folder)}
    return dict(sorted(found.items()))


def roots() -> list[Path]:
    """Return the existing folders that contain kinds, in the order in which Django looks into them."""
    return [root for name in engines[TEXT_ENGINE].template_dirs if (root := Path(name) / "emails").is_dir()]


def is_kind(folder: Path) -> bool:
    return folder.is_dir() and KIND.fullmatch(folder.name) is not None


def unknown_kind(kind: str) -> str:
    """Return the sentence for a kind that doesn't exist."""
    hint = "" if KIND.fullmatch(kind) else " A kind is a name of lowercase letters, digits, and underscores."
    return f"There is no kind {kind!r}.{hint} The kinds are: {', '.join(folders()) or 'none yet'}."
