"""The emails about money that staff can send to a person by hand: receipts, and reminders of a missing payment."""

import json
from collections.abc import Iterator
from functools import partial

from accounts.hooks import StaffEmail
from accounts.models import User
from billing import mail
from billing.models import Payment, StripeEvent
from billing.payloads import CheckoutSession, Invoice
from billing.payloads.objects import StripeObject, UnusableObject
from billing.receipts import Bill
from billing.recipients import Recipient
from billing.services.customers import recipient_by_id
from billing.services.dues import dues_of

OFFERED_RECEIPTS = 10  # newest payments
# Each of them contains all that the receipt says.
PAID = (
    "invoice.paid",
    "invoice.payment_succeeded",
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
)


def staff_emails(user: User) -> Iterator[StaffEmail]:
    if to := recipient_by_id(user.pk):
        yield from reminders(user, to)
        yield from receipts(user, to)


def reminders(user: User, to: Recipient) -> Iterator[StaffEmail]:
    for due in dues_of(user.pk):
        if (payment := due.payment) and payment.is_open:
            label = f"Reminder of the missing payment of {payment.display_amount}"
            send = partial(mail.send_payment_reminder, to, payment, due.subscription)
            render = partial(mail.render_payment_reminder, to, payment, due.subscription)
            yield StaffEmail(f"reminder:{payment.stripe_id}", mail.reminder_kind(payment), label, send, render)


def receipts(user: User, to: Recipient) -> Iterator[StaffEmail]:
    for payment, bill in bills_of(user):
        day = f"{payment.paid_at:%Y-%m-%d}" if payment.paid_at else ""
        label = " ".join(filter(None, ["Receipt for", payment.display_amount, payment.number, day]))
        send = partial(mail.send_receipt_email, to, payment, bill)
        render = partial(mail.render_receipt_email, to, payment, bill)
        yield StaffEmail(f"receipt:{payment.stripe_id}", "receipt", label, send, render)


def bills_of(user: User) -> Iterator[tuple[Payment, Bill]]:
    """Yield the newest paid payments with their bill, as far as Stripe's event about it is still stored."""
    paid = Payment.objects.of(user.pk).filter(status=Payment.Status.PAID, amount__gt=0)
    payments = {payment.stripe_id: payment for payment in paid[:OFFERED_RECEIPTS]}
    events = (
        StripeEvent.objects.filter(object_id__in=[*payments], type__in=PAID).exclude(body="").order_by("received_at")
    )
    bodies = dict(events.values_list("object_id", "body"))
    for stripe_id, payment in payments.items():
        if stripe_id in bodies and (bill := bill_in(bodies[stripe_id], payment)):
            yield payment, bill


def bill_in(body: str, payment: Payment) -> Bill | None:
    """Return the bill in the body of an event, or None if it can't be read."""
    data = StripeObject(json.loads(body)).inner("data", "object")
    try:
        return Invoice.read(data) if payment.is_invoice else CheckoutSession.read(data)
    except UnusableObject:
        return None
