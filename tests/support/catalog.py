"""Maintains the translation catalog with Babel, so that GNU gettext is not needed.

`bin/messages` runs this file. It adds new texts to locale/de/LC_MESSAGES/django.po and compiles that to django.mo.
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
# Texts that users see. The admin is for staff and in English.
SOURCES = {
    "templates": (".html", ".txt"),
    "accounts": (".py",),
    "billing": (".py",),
    "common": (".py",),
    "settings": (".py",),
}
EXCLUDED = {
    "admin",
    "admin.py",
    "filters.py",
    "development",
    "models",
    "people",
    "states.py",
    "tests",
    "migrations",
    "management",
}
KEYWORDS = {
    **dict.fromkeys(["_", "gettext", "gettext_lazy", "gettext_noop"], None),
    **dict.fromkeys(["ngettext", "ngettext_lazy"], (1, 2)),
    **dict.fromkeys(["pgettext", "pgettext_lazy"], ((1, "c"), 2)),
    **dict.fromkeys(["npgettext", "npgettext_lazy"], ((1, "c"), 2, 3)),
}


def main() -> int:
    catalog = updated()
    PO.write_bytes(as_po(catalog))
    MO.write_bytes(as_mo(catalog))
    for problem in problems(catalog):
        print(problem, file=sys.stderr)
    return 1 if problems(catalog) else 0


def stored() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="de", abort_invalid=True)


def updated() -> Catalog:
    """The stored catalog with exactly the texts that templates and code contain now."""
    catalog = stored()
    template = Catalog(creation_date=catalog.creation_date)
    for path, text, context in texts():
        template.add(text, None, [(str(path.relative_to(ROOT)), 0)], context=context)
    catalog.update(template, no_fuzzy_matching=True)
    return catalog


def as_po(catalog: Catalog) -> bytes:
    file = io.BytesIO()
    write_po(file, catalog, width=120, sort_output=True, ignore_obsolete=True, include_lineno=False)
    return file.getvalue()


def as_mo(catalog: Catalog) -> bytes:
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def problems(catalog: Catalog) -> list[str]:
    """A sentence for each text that has no translation, is marked fuzzy, or whose translation lost a variable."""
    found = []
    for message in catalog:
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        if message.id and not all(strings):
            found.append(f"{message.id!r} is not translated.")
        if message.id and message.fuzzy:
            found.append(f"{message.id!r} is marked as fuzzy.")
        found += [f"{message.id!r}: {error}" for error in message.check(catalog)]
    return found


def texts() -> Iterator[tuple[Path, str | tuple[str, ...], str | None]]:
    """Each text to translate with its file and context; singular and plural are a tuple."""
    for path in sources():
        code = path.read_text("utf-8")
        if path.suffix != ".py":
            # templatize turns texts into gettext calls and replaces everything else by letters.
            code = "\n".join(line.strip() for line in templatize(code, origin=str(path)).splitlines())
        for _, text, _, context in extract("python", io.BytesIO(code.encode()), KEYWORDS):
            yield path, text, context


def sources() -> Iterator[Path]:
    for folder, suffixes in SOURCES.items():
        for path in sorted((ROOT / folder).rglob("*.*")):
            if path.suffix in suffixes and not EXCLUDED & {*path.relative_to(ROOT).parts}:
                yield path


if __name__ == "__main__":
    sys.exit(main())
