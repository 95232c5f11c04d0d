"""Amounts: integers of minor units, as Stripe counts them, and text for people: https://docs.stripe.com/currencies

The table is our own because locale libraries say that ISK and UGX have no decimals, while Stripe's amounts in them have
two that are always zero.
"""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.formats import number_format

NO_DECIMALS = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
SHOWN_WHOLE = frozenset({"ISK", "UGX"})  # 500 means 5


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
    """Return ``29.00 USD``, with the separators of the active language."""
    value = in_major_units(amount, currency)
    decimals = max(-int(value.as_tuple().exponent), 0)
    return f"{number_format(value, decimals, use_l10n=True, force_grouping=True)} {currency.upper()}"
