"""The catalogue of translations, kept by Babel: GNU gettext need not be installed.

`bin/messages` runs this file: it takes new texts into locale/de/LC_MESSAGES/django.po and compiles that to django.mo.
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent.parent
PO = ROOT / "locale" / "de" / "LC_MESSAGES" / "django.po"
MO = PO.with_suffix(".mo")
# What people see. The admin is the staff's, and in English.
SOURCES = {"templates": (".html", ".txt"), "accounts": (".py",), "billing": (".py",), "common": (".py",)}
LEFT_OUT = {"admin", "admin.py", "models", "previews", "tests", "migrations", "management"}
KEYWORDS = {
    **dict.fromkeys(["_", "gettext", "gettext_lazy", "gettext_noop"], None),
    **dict.fromkeys(["ngettext", "ngettext_lazy"], (1, 2)),
    **dict.fromkeys(["pgettext", "pgettext_lazy"], ((1, "c"), 2)),
    **dict.fromkeys(["npgettext", "npgettext_lazy"], ((1, "c"), 2, 3)),
}


def main() -> int:
    catalogue = updated()
    PO.write_bytes(as_po(catalogue))
    MO.write_bytes(as_mo(catalogue))
    for complaint in complaints(catalogue):
        print(complaint, file=sys.stderr)
    return 1 if complaints(catalogue) else 0


def stored() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="de", abort_invalid=True)


def updated() -> Catalog:
    """The stored one, with what templates and code hold by now and nothing else."""
    catalogue = stored()
    template = Catalog(creation_date=catalogue.creation_date)
    for path, text, context in texts():
        template.add(text, None, [(str(path.relative_to(ROOT)), 0)], context=context)
    catalogue.update(template, no_fuzzy_matching=True)
    return catalogue


def as_po(catalogue: Catalog) -> bytes:
    file = io.BytesIO()
    write_po(file, catalogue, width=120, sort_output=True, ignore_obsolete=True, include_lineno=False)
    return file.getvalue()


def as_mo(catalogue: Catalog) -> bytes:
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def complaints(catalogue: Catalog) -> list[str]:
    """What is not translated, not checked by a person, or lost a variable on the way."""
    found = []
    for message in catalogue:
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        if message.id and not all(strings):
            found.append(f"{message.id!r} is not translated.")
        if message.id and message.fuzzy:
            found.append(f"{message.id!r} is marked as fuzzy.")
        found += [f"{message.id!r}: {error}" for error in message.check(catalogue)]
    return found


def texts() -> Iterator[tuple[Path, str | tuple[str, ...], str | None]]:
    """Each text that is to be translated: a tuple for singular and plural."""
    for path in sources():
        code = path.read_text("utf-8")
        if path.suffix != ".py":
            # It leaves the texts as calls of gettext, and letters for all the rest.
            code = "\n".join(line.strip() for line in templatize(code, origin=str(path)).splitlines())
        for _, text, _, context in extract("python", io.BytesIO(code.encode()), KEYWORDS):
            yield path, text, context


def sources() -> Iterator[Path]:
    for folder, suffixes in SOURCES.items():
        for path in sorted((ROOT / folder).rglob("*.*")):
            if path.suffix in suffixes and not LEFT_OUT & {*path.relative_to(ROOT).parts}:
                yield path


if __name__ == "__main__":
    sys.exit(main())
