"""The person, plan, and ids that the objects of a sample event share with each other and with the database."""

import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Any, Self

from django.conf import settings
from django.db.models import F, Q

from accounts.models import User
from billing.models import Customer, InvoicePayment, Payment, RefundedCharge, StripeEvent, Subscription
from billing.models.subscriptions import FINAL
from billing.payloads import mark
from billing.plans import Plan, Price, all_plans, plan_by_price

Data = dict[str, Any]

DAY, MONTH = 24 * 60 * 60, 30 * 24 * 60 * 60  # seconds
ADDRESS = {"city": None, "country": "US", "line1": None, "line2": None, "postal_code": "94107", "state": None}
NO_PRICE = Price("price_sample", 2900, "usd", "month")
NO_PLAN = Plan("sample", "Sample", (NO_PRICE,))


@dataclass(frozen=True, slots=True)
class Scenario:
    """Values for all objects of one sample event. Times are in Unix seconds, the amount in minor units."""

    email: str
    name: str
    user_id: int | None
    customer: str
    subscription: str
    invoice: str
    payment_intent: str
    plan: Plan
    price: Price
    amount: int
    currency: str
    livemode: bool
    now: int
    is_renewal: bool
    has_known_address: bool
    has_paid_invoice: bool
    has_payment_intent: bool  # it is stored which payment intent paid the invoice

    @classmethod
    def for_person(cls, email: str, amount: int | None, currency: str, *, refers_to_payment: bool) -> Self:
        """Build a scenario from what the database knows about the person.

        With ``refers_to_payment`` it is about their newest payment, otherwise about a new one.
        """
        user = User.objects.filter(email=email).first()
        customer = known_customer(user, email)
        subscription = running_subscription(customer)
        payment = newest_payment(customer) if refers_to_payment else None
        price_id = subscription.price_id if subscription else ""
        for_sale = (plan for plan in all_plans() if not plan.is_free)
        plan = plan_by_price(price_id) or next(for_sale, NO_PLAN)
        price = plan.price(price_id) or plan.first_price or NO_PRICE
        intent = intent_of(payment)
        return cls(
            email=email,
            name=user.name if user else email.partition("@")[0].title(),
            user_id=user.pk if user else None,
            customer=customer.pk if customer else new_customer_id(email),
            subscription=subscription.pk if subscription else new_id("sub"),
            invoice=payment.stripe_id if payment else expected_invoice(customer) or new_id("in"),
            payment_intent=intent or new_id("pi"),
            plan=plan,
            price=price,
            amount=amount if amount is not None else payment.amount if payment else price.amount,
            currency=currency or (payment.currency if payment else price.currency),
            livemode=bool(settings.STRIPE_LIVEMODE),
            now=int(time.time()),
            is_renewal=bool(subscription and Payment.objects.paid_for(subscription.pk).exists()),
            has_known_address=bool(user or (customer and customer.email)),
            has_paid_invoice=payment is not None,
            has_payment_intent=bool(intent),
        )

    @property
    def metadata(self) -> dict[str, str]:
        """What our own checkout sessions carry."""
        return mark(self.user_id)

    @property
    def charge(self) -> str:
        return f"ch{self.payment_intent.removeprefix('pi')}"

    @property
    def item(self) -> str:
        return f"si{self.subscription.removeprefix('sub')}"

    @property
    def product(self) -> str:
        return f"prod_{self.plan.slug}"

    @property
    def refunded_before(self) -> int:
        charge = RefundedCharge.objects.filter(pk=self.charge).first()
        return charge.amount if charge else 0


def new_id(prefix: str) -> str:
    """Return an id that Stripe never creates and that people recognize as a sample."""
    return f"{prefix}_sample{secrets.token_hex(8)}"


def known_customer(user: User | None, email: str) -> Customer | None:
    is_theirs = (
        Q(pk=usual_customer_id(email)) | Q(user=None, email__iexact=email) | (Q(user=user) if user else Q(pk=None))
    )
    return Customer.objects.usable().filter(is_theirs).order_by(F("user").desc(nulls_last=True)).first()


def usual_customer_id(email: str) -> str:
    """Return the same id for the same address, so that the events of several runs belong together."""
    return f"cus_sample{hashlib.sha256(email.lower().encode()).hexdigest()[:16]}"


def new_customer_id(email: str) -> str:
    usual = usual_customer_id(email)
    # If the usual customer exists, known_customer() passed it over because it was deleted.
    return new_id("cus") if Customer.objects.filter(pk=usual).exists() else usual


def running_subscription(customer: Customer | None) -> Subscription | None:
    return customer.subscriptions.exclude(status__in=FINAL).first() if customer else None


def newest_payment(customer: Customer | None) -> Payment | None:
    """Return the newest payment of an invoice."""
    if customer is None:
        return None
    return customer.payments.filter(status=Payment.Status.PAID, stripe_id__startswith="in_").first()


def expected_invoice(customer: Customer | None) -> str:
    """Return the id of an invoice that a stored checkout session named and that isn't paid yet."""
    if customer is None:
        return ""
    checkouts = StripeEvent.objects.filter(customer_id=customer.pk).exclude(expects_invoice="")
    paid = customer.payments.values("stripe_id")
    return checkouts.exclude(expects_invoice__in=paid).values_list("expects_invoice", flat=True).first() or ""


def intent_of(payment: Payment | None) -> str:
    if payment is None:
        return ""
    linked = InvoicePayment.objects.filter(invoice=payment.stripe_id).values_list("payment_intent", flat=True)
    return payment.payment_intent or linked.first() or ""
