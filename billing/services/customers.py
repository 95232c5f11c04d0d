"""Whose customer it is, and where mail about it goes."""

import logging
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from billing.mail import Recipient
from billing.models import Customer, Payment, StripeEvent
from billing.payloads import Party
from billing.signals import address_found
from emails.querysets import insert_new

logger = logging.getLogger(__name__)


class AddressUnknown(Exception):
    """There is a mail to send and nobody to send it to, yet: the customer's address may come with another event."""

    def __init__(self, customer_id: str) -> None:
        super().__init__(f"No address is known of {customer_id or 'a customer without an id'}.")
        self.customer_id = customer_id


@dataclass(frozen=True, slots=True)
class Account:
    """Whoever an event is about, locked until the end of the transaction where Stripe has a customer for it."""

    customer: Customer | None
    user: User | None
    email: str
    name: str

    @property
    def recipient(self) -> Recipient:
        """Raises ``AddressUnknown``."""
        if self.user is not None:
            return Recipient(self.user.email, self.user.name, self.user.language, self.user.pk)
        if not self.email:
            raise AddressUnknown(self.customer.pk if self.customer else "")
        return Recipient(self.email, self.name, settings.LANGUAGE_CODE)


def identify(party: Party) -> Account:
    """Find the customer and the user, remember what is new about them, and lock the customer: what happens to one
    customer happens in turn. Call it inside the transaction, before anything else is changed."""
    if not party.customer:
        user = user_by_mark(party.user_id)
        return Account(None, user, party.email, party.name)
    customer = locked_customer(party)
    learn(customer, party)
    return Account(customer, customer.user, party.email or customer.email, party.name or customer.name)


def locked_customer(party: Party) -> Customer:
    customers = Customer.objects.select_related("user").select_for_update(of=("self",)).filter(pk=party.customer)
    for customer in customers:
        return customer
    insert_new([Customer(pk=party.customer)])
    return customers.get()


def learn(customer: Customer, party: Party) -> None:
    """A customer belongs to the user of the first session that we created for it, and keeps the first address."""
    news: dict[str, object] = {}
    if party.user_id not in (None, customer.marked_user_id) and customer.user_id is None:
        customer.user = user_by_mark(party.user_id)
        news |= {"marked_user_id": party.user_id, "user": customer.user}
        Payment.objects.filter(customer=customer, user=None).update(user=customer.user)
    if party.email and not customer.email:
        news |= {"email": party.email, "name": party.name}
    if news:
        Customer.objects.filter(pk=customer.pk).update(**news)
        find_what_waited(customer.pk)


def find_what_waited(customer_id: str) -> None:
    """Mail for which an address was missing goes out once this transaction is over."""
    if StripeEvent.objects.filter(waits_for=customer_id).update(due_at=Now()):
        send = partial(address_found.send, sender=Customer, customer_id=customer_id)
        transaction.on_commit(send, robust=True)


def user_by_mark(user_id: int | None) -> User | None:
    """None for a user that was deleted, or of another installation on the same account at Stripe."""
    return None if user_id is None else User.objects.filter(pk=user_id).first()


def note_deletion(customer_id: str) -> None:
    """The next checkout makes a new customer; what is known of the old one stays."""
    Customer.objects.filter(pk=customer_id, deleted_at=None).update(deleted_at=Now())
