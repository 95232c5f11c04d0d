"""Every text that people see is translated into German, and the compiled catalog is up to date."""

from collections.abc import Sequence

from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo

from tests.support import catalog

HINT = "Run bin/messages, translate what it names, and commit both files."


def test_every_text_is_translated_and_keeps_its_variables():
    assert catalog.problems(catalog.updated()) == [], HINT


def test_catalog_contains_exactly_the_texts_in_use():
    used = {message.id for message in catalog.updated()}
    assert used == {message.id for message in catalog.stored()}, HINT


def test_compiled_catalog_is_current():
    with catalog.MO.open("rb") as file:
        assert pairs(read_mo(file)) == pairs(catalog.stored()), HINT


def pairs(catalog: Catalog) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Text and translation by message; singular and plural are a tuple or a list, anything else a str."""
    return {texts_of(message.id): texts_of(message.string) for message in catalog if message.id}


def texts_of(texts: str | Sequence[str] | None) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts or ())


def test_catalog_problems_are_found():
    damaged = catalog.stored()
    missing, fuzzy, broken = [message for message in damaged if "%(brand)s" in message.id][:3]
    missing.string, broken.string = "", "%(nobody)s"
    fuzzy.flags.add("fuzzy")
    assert len(catalog.problems(damaged)) == 3
