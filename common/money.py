"""Amounts: integers of minor units, as Stripe counts them, and text for people: https://docs.stripe.com/currencies

Babel knows how a language writes an amount. The number of decimals comes from our own table, because Babel's says that
ISK and UGX have none, while Stripe's amounts in them have two that are always zero.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, get_currency_symbol, list_currencies
from django.conf import settings
from django.utils.translation import get_language, to_locale

NO_DECIMALS = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
SHOWN_WHOLE = frozenset({"ISK", "UGX"})  # 500 means 5

REMEMBERED = 1000  # formatted amounts
UNKNOWN_SYMBOL = "¤"
DECIMALS = re.compile(r"\.0+")  # of a pattern such as ¤#,##0.00
# Where a letter would touch a digit: KWD5.120. Unicode asks for a space there, which Babel doesn't add.
TOUCHING = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
SPACES = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Amount:
    """An integer of minor units, and the currency's code in lower case.

    As text it is formatted for the language that is active at that moment. An email's language differs from that of the
    request that causes it, so emails get amounts, not text.
    """

    value: int
    currency: str

    def __str__(self) -> str:
        return format_amount(self.value, self.currency)


def exponent(currency: str) -> int:
    """Return the number of decimal places in Stripe's integer."""
    code = currency.upper()
    return 0 if code in NO_DECIMALS else 3 if code in THREE_DECIMALS else 2


def in_major_units(amount: int, currency: str) -> Decimal:
    """Return the exact decimal: 29.00 for 2900 and usd. Credits are negative."""
    value = Decimal(amount).scaleb(-exponent(currency))
    return value.quantize(Decimal(1)) if currency.upper() in SHOWN_WHOLE else value


def format_amount(amount: int, currency: str) -> str:
    """Return ``$29.00``, or ``29,00 $`` in German: as the active language writes it.

    A currency without a symbol of its own is shown with its code: ``KWD 5.120``. Spaces are plain ones, so that a
    search finds what people type.
    """
    return formatted(amount, currency, active_locale())


@lru_cache(maxsize=REMEMBERED)
def formatted(amount: int, currency: str, locale: Locale) -> str:
    """Return the amount as the locale writes it."""
    # Remembered, because an email names the same amount up to five times, and Babel takes long for each.
    code = currency.upper()
    value = in_major_units(amount, currency)
    decimals = max(-int(value.as_tuple().exponent), 0)
    pattern = DECIMALS.sub("." + "0" * decimals if decimals else "", locale.currency_formats["standard"].pattern)
    if is_ambiguous(code, locale):
        pattern = pattern.replace("¤", "¤¤")  # the code instead of the symbol
    text = format_currency(value, code, pattern, locale=locale, currency_digits=False)
    return SPACES.sub(" ", TOUCHING.sub(" ", text)).strip()


def active_locale() -> Locale:
    """Return the locale of the active language, or English for a language that Babel doesn't know."""
    return locale_of(get_language() or settings.LANGUAGE_CODE)


@lru_cache(maxsize=REMEMBERED)
def locale_of(language: str) -> Locale:
    try:
        return Locale.parse(to_locale(language))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def is_ambiguous(code: str, locale: Locale) -> bool:
    """Return whether the language writes another currency with the same symbol, give or take a space."""
    symbol = get_currency_symbol(code, locale)
    return symbol == UNKNOWN_SYMBOL or codes_by_symbol(locale).get(without_spaces(symbol), code) != code


@cache
def codes_by_symbol(locale: Locale) -> Mapping[str, str]:
    """Return the code of each symbol, or an empty string for a symbol that several currencies share."""
    codes: dict[str, str] = {}
    for code in list_currencies(locale):
        symbol = without_spaces(get_currency_symbol(code, locale))
        codes[symbol] = "" if symbol in codes else code
    return codes


def without_spaces(symbol: str) -> str:
    return SPACES.sub("", symbol)
