"""What a bill says about who paid it and how: https://docs.stripe.com/api/invoices/object#invoice_object-customer_address

A receipt shows only what its event proves. An event doesn't contain the charge, so the payment method is known only if
a single type was allowed, or if the charge was expanded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from django.utils.translation import gettext_lazy as _

from billing.payloads.objects import StripeObject
from common.money import active_locale

POSTAL_CODE_LAST = frozenset({"AU", "CA", "GB", "IE", "IN", "NZ", "US"})
CARD_BRANDS = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "discover": "Discover",
    "eftpos_au": "eftpos",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}
METHODS = {
    "bancontact": "Bancontact",
    "card": _("Card"),
    "eps": "EPS",
    "ideal": "iDEAL",
    "klarna": "Klarna",
    "link": "Link",
    "paypal": "PayPal",
    "sepa_debit": _("SEPA direct debit"),
    "us_bank_account": _("Bank account"),
}


@dataclass(frozen=True, slots=True)
class Country:
    """A country's code. As text it is the name in the language that is active at that moment, as with an Amount."""

    code: str

    def __str__(self) -> str:
        return str(active_locale().territories.get(self.code, self.code))


@dataclass(frozen=True, slots=True)
class BillingDetails:
    """The payer's name, the lines of their postal address, and their tax IDs. Everything can be empty."""

    name: str = ""
    address: tuple[str | Country, ...] = ()
    tax_ids: tuple[str, ...] = ()

    @classmethod
    def of_invoice(cls, invoice: StripeObject) -> Self:
        return cls.read(invoice, "customer_name", "customer_address", "customer_tax_ids")

    @classmethod
    def of_session(cls, session: StripeObject) -> Self:
        return cls.read(session.inner("customer_details"), "name", "address", "tax_ids")

    @classmethod
    def read(cls, data: StripeObject, name: str, address: str, tax_ids: str) -> Self:
        ids = (tax_id.text("value") for tax_id in data.objects(tax_ids))
        return cls(data.text(name), tuple(lines_of(data.inner(address))), tuple(filter(None, ids)))


def lines_of(address: StripeObject) -> Iterator[str | Country]:
    country = address.text("country").upper()
    yield from filter(None, (address.text("line1"), address.text("line2"), locality(address, country)))
    if country:
        yield Country(country)


def locality(address: StripeObject, country: str) -> str:
    """Return the city, state, and postal code in the country's order, or what there is of them."""
    city, state, postal_code = (address.text(name) for name in ("city", "state", "postal_code"))
    city_and_state = ", ".join(filter(None, (city, state)))
    if country in POSTAL_CODE_LAST:
        return f"{city_and_state} {postal_code}".strip()
    return f"{postal_code} {city_and_state}".strip()


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """As text, ``Visa •••• 4242`` or the name of the type. Empty if it isn't known."""

    type: str = ""
    brand: str = ""
    last4: str = ""

    def __bool__(self) -> bool:
        return bool(str(self))

    def __str__(self) -> str:
        if self.last4 and self.brand:
            return f"{CARD_BRANDS.get(self.brand, self.brand)} •••• {self.last4}"
        return str(METHODS.get(self.type, ""))

    @classmethod
    def of_invoice(cls, invoice: StripeObject) -> Self:
        is_outside = invoice.is_true("paid_out_of_band") or invoice.integer("amount_paid_off_stripe") > 0
        details = invoice.inner("charge", "payment_method_details")
        if is_outside or not details:
            return cls() if is_outside else cls.only_one(invoice.inner("payment_settings"))
        card = details.inner("card")
        return cls(details.text("type"), card.text("brand"), card.text("last4"))

    @classmethod
    def of_session(cls, session: StripeObject) -> Self:
        return cls.only_one(session)

    @classmethod
    def only_one(cls, data: StripeObject) -> Self:
        allowed = data.data.get("payment_method_types")
        is_certain = isinstance(allowed, list) and len(allowed) == 1 and isinstance(allowed[0], str)
        return cls(allowed[0]) if is_certain and allowed else cls()
