"""Amounts as Stripe counts them, in minor units, and as people read them: https://docs.stripe.com/currencies

A table of our own rather than a locale library's: those say that ISK and UGX have no decimals, where Stripe's amounts
have two that are always zero.
"""

from decimal import Decimal
from functools import partial

from django.utils.formats import number_format
from django.utils.functional import SimpleLazyObject

NO_DECIMALS = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
SHOWN_WHOLE = frozenset({"ISK", "UGX"})  # 500 means 5


def exponent(currency: str) -> int:
    """By how many decimal places Stripe's integer is shifted."""
    code = currency.upper()
    return 0 if code in NO_DECIMALS else 3 if code in THREE_DECIMALS else 2


def in_major_units(amount: int, currency: str) -> Decimal:
    """2900 and usd: 29.00. Exact, negative amounts (credits) included."""
    value = Decimal(amount).scaleb(-exponent(currency))
    return value.quantize(Decimal(1)) if currency.upper() in SHOWN_WHOLE else value


def format_amount(amount: int, currency: str) -> str:
    """``29.00 USD``, with the separators of the active language."""
    value = in_major_units(amount, currency)
    decimals = max(-int(value.as_tuple().exponent), 0)
    return f"{number_format(value, decimals, use_l10n=True, force_grouping=True)} {currency.upper()}"


def lazy_amount(amount: int, currency: str) -> object:
    """Formatted where it is first shown: the language of a mail is not that of the request that caused it."""
    return SimpleLazyObject(partial(format_amount, amount, currency))
