"""How the lines of an invoice, and what is added to or taken off them, add up to what was paid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from billing.payloads.objects import StripeObject

ON_TOP, INCLUDED = "exclusive", "inclusive"


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The rows between the lines and what was paid, in minor units: reductions are negative.

    Everything is empty if the invoice doesn't prove that it adds up. Then a receipt shows only what was paid.
    """

    adds_up: bool = False
    rows: Mapping[str, int] = field(default_factory=dict)
    included_tax: int = 0


def breakdown_of(invoice: StripeObject, lines: Sequence[int], paid: int) -> Breakdown:
    """``lines`` are the amounts of the lines. An event contains only the first ones."""
    is_complete = not invoice.inner("lines").is_true("has_more")
    subtotal = sum(lines) if is_complete else invoice.integer("subtotal")
    for unknown in (ON_TOP, INCLUDED):
        taxes = taxes_of(invoice, unknown)
        rows = rows_of(invoice) | {"tax": taxes[ON_TOP]}
        if subtotal + sum(rows.values()) == paid:
            return Breakdown(True, {name: amount for name, amount in rows.items() if amount}, taxes[INCLUDED])
    return Breakdown()


def rows_of(invoice: StripeObject) -> dict[str, int]:
    """Return what Stripe takes off the lines or adds to them, apart from taxes, by its name in the email."""
    granted = (row for row in invoice.objects("total_pretax_credit_amounts") if row.text("type") != "discount")
    return {
        "discount": -total_of(invoice, "total_discount_amounts"),
        "granted_credit": -sum(row.integer("amount") for row in granted),
        "shipping": invoice.inner("shipping_cost").integer("amount_subtotal"),
        "credit_notes": -invoice.integer("pre_payment_credit_notes_amount"),
        "balance": invoice.integer("starting_balance") - invoice.integer("ending_balance"),
    }


def taxes_of(invoice: StripeObject, unknown: str) -> dict[str, int]:
    """Return the taxes on top of the lines and those that the lines include. Stripe has had three names for them.

    Taxes that don't say which they are count as ``unknown``.
    """
    taxes = {ON_TOP: 0, INCLUDED: 0}
    rows = [*invoice.objects("total_taxes")] or [*invoice.objects("total_tax_amounts")]
    for row in rows:
        taxes[behavior_of(row) or unknown] += row.integer("amount")
    if not rows:
        taxes[unknown] += invoice.integer("tax")
    return taxes


def behavior_of(tax: StripeObject) -> str:
    if tax.text("tax_behavior") in (ON_TOP, INCLUDED):
        return tax.text("tax_behavior")
    flag = tax.data.get("inclusive")
    return "" if not isinstance(flag, bool) else INCLUDED if flag else ON_TOP


def total_of(data: StripeObject, name: str) -> int:
    return sum(row.integer("amount") for row in data.objects(name))
