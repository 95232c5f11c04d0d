"""Which customer and user an event is about, and where emails about it go."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.mail import greeting_name
from accounts.models import User
from billing.models import Checkout, CleanupRequest, Customer, CustomerRequest, Payment, StripeEvent
from billing.payloads import CustomerRef
from billing.recipients import Recipient
from billing.services import contacts, erasures
from billing.signals import customer_found
from common.db import first_row, insert_if_absent

logger = logging.getLogger(__name__)

USER_COLUMNS = ("id", "email", "name", "language", "email_verified_at")


class AddressUnknown(Exception):
    """There is an email to send but no address yet. The customer's address may come with a later event."""

    def __init__(self, customer_id: str) -> None:
        super().__init__(f"The email address of {customer_id or 'a customer without an ID'} isn't known.")
        self.customer_id = customer_id
        # Nothing else can name the address of a buyer without a customer.
        self.can_be_learned = bool(customer_id)


class PaymentUnknown(AddressUnknown):
    """There is an email to send about a payment whose event hasn't arrived yet, or that isn't ours."""

    def __init__(self) -> None:
        Exception.__init__(self, "The payment isn't known.")
        self.customer_id, self.can_be_learned = "", True


class PersonErased(Exception):
    """There is an email to send to a person who deleted their account here."""


class NotOurs(Exception):
    """The object belongs to another product, or another installation, with the same Stripe account."""

    def __init__(self, customer_id: str) -> None:
        super().__init__("It belongs to another product or installation: neither its mark nor its customer is ours.")
        self.customer_id = customer_id


@dataclass(frozen=True, slots=True)
class Payer:
    """The person behind an event: a Stripe customer, a user, both, or only an email address."""

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
        """The user at the address of their account, or else the address from Stripe.

        Raises ``AddressUnknown`` or ``PersonErased``.
        """
        if self.is_erased:
            raise PersonErased("The user deleted their account, so the email wasn't sent.")
        if self.user is not None:
            return self.user
        if not self.email:
            raise AddressUnknown(self.customer_id or "")
        # Without the name: anyone can enter someone else's address and any name at Stripe.
        return Recipient(self.email, "", settings.LANGUAGE_CODE)


def identify(ref: CustomerRef) -> Payer:
    """Return the payer, and store what ``ref`` adds to what we know about the customer.

    Call it before any other change in the transaction, because it locks the customer, and because it raises ``NotOurs``
    for what another product or installation created. Then nothing may change.
    """
    if not ref.id:
        # Guests can buy without becoming a customer at Stripe.
        ref = with_owner(ref)
        user = recipient_by_id(ref.user_id)
        if user is None and erasures.is_erased(ref.user_id):
            return Payer(None, "", "", None, is_erased=True)
        return Payer(None, ref.email, ref.name, user)
    # The lock makes the events of one customer take effect one after the other. It is taken before all other rows, so
    # that two transactions can't wait for each other.
    customer = Customer.objects.get_locked(ref.id)
    if customer is None or not customer.is_ours:
        ref = with_owner(ref)
        customer = customer or new_customer(ref.id)
    # The customer's first event, or the response to our call, can arrive after the deletion of its user.
    if not customer.is_erased and customer.user_id is None and erasures.is_erased(ref.user_id):
        erasures.erase_customer(customer.pk)
        customer.erased_at = timezone.now()
    if customer.is_erased:
        erasures.forget_events(customer.pk)
        return Payer(customer.pk, "", "", None, is_erased=True)
    user = update_customer(customer, ref)
    # An address that was changed at Stripe is newer than the one in an invoice, which never changes.
    email = customer.email if customer.email_changed_at else ref.email or customer.email
    return Payer(customer.pk, email, ref.name or customer.name, user)


def with_owner(ref: CustomerRef) -> CustomerRef:
    """Return the reference with the user for whom we created its object. Raises ``NotOurs`` if we didn't create it."""
    if ref.is_marked:
        return ref
    # Objects from before marks were introduced, or before INSTALLATION_ID was changed, are ours if we stored their id.
    user_id = recorded_user(ref)
    if user_id is None:
        raise NotOurs(ref.id)
    return replace(ref, user_id=user_id)


def recorded_user(ref: CustomerRef) -> int | None:
    """Return the id of the user for whom we created this session or customer, from the rows written at the time."""
    if ref.session_id:
        checkout = Checkout.objects.filter(session_id=ref.session_id).values_list("user_id", flat=True).first()
        if checkout is not None:
            return checkout
    if not ref.id:
        return None
    return CustomerRequest.objects.filter(customer_id=ref.id).values_list("user_id", flat=True).first()


def new_customer(customer_id: str) -> Customer:
    insert_if_absent([Customer(pk=customer_id)])
    # Another transaction may have inserted the row first, with more in it.
    return Customer.objects.get_locked(customer_id) or Customer(pk=customer_id)


def update_customer(customer: Customer, ref: CustomerRef) -> Recipient | None:
    """Store the user and the email address if they are new, and return the user."""
    user = recipient_by_id(customer.user_id)
    changes: dict[str, object] = {} if customer.is_ours else {"is_marked": True}
    # A customer belongs to the user of the first session that we created for it.
    if user is None and (user := recipient_by_id(ref.user_id)):
        changes |= {"metadata_user_id": user.user_id, "user_id": user.user_id}
        # Events can arrive before the one that names the user, so payments may be waiting for their owner.
        Payment.objects.filter(customer=customer.pk, user=None).update(user=user.user_id)
    # The first address stays: what a later session carries may have been typed by somebody else.
    if ref.email and not customer.email:
        changes |= {"email": ref.email, "name": ref.name}
    if changes:
        Customer.objects.filter(pk=customer.pk).update(**changes)
        if "user_id" in changes or (user is None and "email" in changes):
            contacts.report_owner(customer.pk, address_before=customer.email)
        release_waiting_events(customer.pk)
    return user


def record_update(ref: CustomerRef, at: datetime) -> None:
    """Store the address that the customer has at Stripe since ``at``. Emails to people with a user ignore it."""
    payer = identify(ref)
    older = Customer.objects.filter(Q(email_changed_at=None) | Q(email_changed_at__lte=at), pk=ref.id)
    if ref.email and not payer.is_erased and older.update(email=ref.email, name=ref.name, email_changed_at=at):
        release_waiting_events(ref.id)


def release_waiting_events(customer_id: str) -> None:
    """Make the events that waited for what we now know about this customer due. They are processed after the commit."""
    if StripeEvent.objects.waiting_for(customer_id).make_due():
        send = partial(customer_found.send, sender=Customer, customer_id=customer_id)
        transaction.on_commit(send, robust=True)


def request_address_update(user: User) -> None:
    """Store that Stripe must learn the user's new email address. cleanup.py makes the call."""
    request_update(user, CleanupRequest.Action.UPDATE_ADDRESS)


def request_name_update(user: User) -> None:
    request_update(user, CleanupRequest.Action.UPDATE_NAME)


def request_update(user: User, action: CleanupRequest.Action) -> None:
    for customer_id in Customer.objects.usable().filter(user=user).values_list("pk", flat=True):
        erasures.request_again(action, customer_id)


def recipient_by_id(user_id: int | None) -> Recipient | None:
    """Return None for a user who was deleted."""
    user = None if user_id is None else first_row(User, "id = %s", user_id, only=USER_COLUMNS)
    if user is None:
        return None
    name = greeting_name(user, user.email)
    return Recipient(user.email, name, user.language, user.pk, is_confirmed=user.is_email_verified)


def record_deletion(customer_id: str) -> None:
    """Note that the customer was deleted at Stripe. The next checkout creates another one; our data remains."""
    Customer.objects.filter(pk=customer_id, deleted_at=None).update(deleted_at=Now())
    erasures.forget_events(customer_id)  # among them the event of this deletion, which contains the address
