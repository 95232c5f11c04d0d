"""What a receipt says. It adds up to what was paid, or names only the total."""

from typing import Any

from billing.days import optional_day
from billing.models import Payment
from billing.payloads import BillingDetails, CheckoutSession, Invoice
from billing.recipients import Recipient
from common.money import Amount

Bill = Invoice | CheckoutSession

ROWS = ("discount", "granted_credit", "shipping", "tax", "credit_notes", "balance", "earlier", "included_tax")
NO_DETAILS: dict[str, object] = {**dict.fromkeys(ROWS, ""), "lines": [], "has_more_lines": False}


def context(to: Recipient, payment: Payment, bill: Bill) -> dict[str, Any]:
    """Return the total as the buyer saw it, and what adds up to it.

    Lines and taxes are in our currency, so they are left out if the buyer paid in another one.
    """
    is_ours = bill.presented is None
    details = invoice_details(bill) if isinstance(bill, Invoice) and is_ours else NO_DETAILS
    if isinstance(bill, CheckoutSession) and is_ours and bill.tax > 0:
        details = NO_DETAILS | {"included_tax": Amount(bill.tax, bill.currency)}
    return {
        "total": payment.shown_amount,
        "date": optional_day(payment.paid_at),
        "number": payment.number,
        "plan": payment.description,
        "billed_to": billed_to(to, bill),
        "payment_method": bill.payment_method,
        "invoice_url": payment.invoice_url,
        **details,
    }


def billed_to(to: Recipient, bill: Bill) -> list[object]:
    """Return the lines of the buyer's address, at least the email address that the receipt goes to.

    What the buyer typed at Stripe is shown only to themselves. Otherwise, anyone could enter someone else's email
    address and have us send a text of theirs there.
    """
    details = bill.billing_details if to.is_confirmed else BillingDetails()
    lines: list[object] = [details.name or to.name, *details.address, *details.tax_ids, to.email]
    return [line for line in lines if line]


def invoice_details(invoice: Invoice) -> dict[str, object]:
    """Return the lines and the rows below them, or nothing if the invoice doesn't prove that they add up."""
    breakdown = invoice.breakdown
    if not breakdown.adds_up:
        return NO_DETAILS
    rows = {**breakdown.rows, "included_tax": breakdown.included_tax}
    lines = [
        {"description": line.description, "amount": Amount(line.amount, invoice.currency)} for line in invoice.lines
    ]
    amounts: dict[str, object] = {name: Amount(amount, invoice.currency) for name, amount in rows.items() if amount}
    # Credit of the customer's and an amount that is left over from before are two different things to them.
    if breakdown.rows.get("balance", 0) > 0:
        amounts["earlier"] = amounts.pop("balance")
    return NO_DETAILS | amounts | {"lines": lines, "has_more_lines": invoice.has_more_lines}
