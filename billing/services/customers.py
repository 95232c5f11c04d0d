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
from common.db import insert_if_absent

logger = logging.getLogger(__name__)


class AddressUnknown(Exception):
    """There is a mail to send and nobody to send it to, yet: the customer's address may come with another event."""

    def __init__(self, customer_id: str) -> None:
        super().__init__(f"No address is known of {customer_id or 'a customer without an id'}.")
        self.customer_id = customer_id


class PersonErased(Exception):
    """There is a mail to send to somebody who wanted to be forgotten."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whoever an event is about: a customer at Stripe, a user, both, or somebody of whom only an address is known."""

    customer_id: str | None
    email: str
    name: str
    user: Recipient | None
    is_erased: bool = False

    @property
    def user_id(self) -> int | None:
        return self.user.user_id if self.user else None

    @property
    def recipient(self) -> Recipient:
        """A user at their own address, else the address that Stripe told.

        Raises ``AddressUnknown``, or ``PersonErased``.
        """
        if self.is_erased:
            raise PersonErased("The person deleted their account here. Nobody got the mail.")
        if self.user is not None:
            return self.user
        if not self.email:
            raise AddressUnknown(self.customer_id or "")
        return Recipient(self.email, self.name, settings.LANGUAGE_CODE)


def identify(party: Party) -> Account:
    """Find the customer and the user, and remember what is new about them.

    Call it in the transaction before anything else is changed: the customer is locked until its end.
    """
    if not party.customer:
        return Account(None, party.email, party.name, user_by_mark(party.user_id))
    customer = Customer.objects.locked(party.customer) or new_customer(party.customer)
    if customer.is_erased:
        return Account(customer.pk, "", "", None, is_erased=True)
    user = learn(customer, party)
    return Account(customer.pk, party.email or customer.email, party.name or customer.name, user)


def new_customer(customer_id: str) -> Customer:
    insert_if_absent([Customer(pk=customer_id)])
    return Customer.objects.locked(customer_id) or Customer(pk=customer_id)


def learn(customer: Customer, party: Party) -> Recipient | None:
    """A customer belongs to the user of the first session that we created for it, and keeps the first address."""
    user = recipient_of(customer.user)
    news: dict[str, object] = {}
    if user is None and party.user_id not in (None, customer.marked_user_id):
        user = user_by_mark(party.user_id)
        news = {"marked_user_id": party.user_id, "user_id": user.user_id if user else None}
        Payment.objects.filter(customer=customer.pk, user=None).update(user=news["user_id"])
    if party.email and not customer.email:
        news |= {"email": party.email, "name": party.name}
    if news:
        Customer.objects.filter(pk=customer.id).update(**news)
        find_what_waited(customer.pk)
    return user


def find_what_waited(customer_id: str) -> None:
    """Mail for which an address was missing goes out once this transaction is over."""
    if StripeEvent.objects.filter(waits_for=customer_id).update(due_at=Now()):
        send = partial(address_found.send, sender=Customer, customer_id=customer_id)
        transaction.on_commit(send, robust=True)


def user_by_mark(user_id: int | None) -> Recipient | None:
    """None for a user that was deleted, or of another installation on the same account at Stripe."""
    return None if user_id is None else recipient_of(User.objects.filter(pk=user_id).first())


def recipient_of(user: User | None) -> Recipient | None:
    return Recipient(user.email, user.name, user.language, user.pk) if user else None


def note_deletion(customer_id: str) -> None:
    """The next checkout makes a new customer; what is known of the old one stays."""
    Customer.objects.filter(pk=customer_id, deleted_at=None).update(deleted_at=Now())
