"""Whom a made-up event is about, and the ids by which its objects refer to each other and to what is stored here."""

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
from billing.plans import Plan, all_plans, plan_by_price

Data = dict[str, Any]

DAY, MONTH = 24 * 60 * 60, 30 * 24 * 60 * 60  # seconds
ADDRESS = {"city": None, "country": "US", "line1": None, "line2": None, "postal_code": "94107", "state": None}
NO_PLAN = Plan("sample", "Sample", "price_sample", 2900, "usd", "month")


@dataclass(frozen=True, slots=True)
class Story:
    email: str
    name: str
    user_id: int | None
    customer: str
    subscription: str
    invoice: str
    payment_intent: str
    plan: Plan
    amount: int
    currency: str
    livemode: bool
    now: int
    is_renewal: bool
    person_is_known: bool  # here, with an address
    invoice_is_known: bool  # as paid
    payment_is_known: bool  # the payment intent as that of the invoice

    @classmethod
    def about(cls, email: str, amount: int | None, currency: str, *, refers_back: bool) -> Self:
        """``refers_back``: to the newest payment, rather than to a new one."""
        user = User.objects.filter(email=email).first()
        customer = known_customer(user, email)
        subscription = running_subscription(customer)
        payment = newest_payment(customer) if refers_back else None
        plan = (plan_by_price(subscription.price_id) if subscription else None) or next(iter(all_plans()), NO_PLAN)
        intent = intent_of(payment)
        return cls(
            email=email,
            name=user.name if user else email.partition("@")[0].title(),
            user_id=user.pk if user else None,
            customer=customer.pk if customer else new_customer_id(email),
            subscription=subscription.pk if subscription else fresh("sub"),
            invoice=payment.stripe_id if payment else expected_invoice(customer) or fresh("in"),
            payment_intent=intent or fresh("pi"),
            plan=plan,
            amount=amount if amount is not None else payment.amount if payment else plan.amount,
            currency=currency or (payment.currency if payment else plan.currency),
            livemode=bool(settings.STRIPE_LIVEMODE),
            now=int(time.time()),
            is_renewal=bool(subscription and Payment.objects.paid_for(subscription.pk).exists()),
            person_is_known=bool(user or (customer and customer.email)),
            invoice_is_known=payment is not None,
            payment_is_known=bool(intent),
        )

    @property
    def metadata(self) -> dict[str, str]:
        """The mark of the sessions that we create."""
        return {} if self.user_id is None else {"user_id": str(self.user_id)}

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
        known = RefundedCharge.objects.filter(pk=self.charge).first()
        return known.amount if known else 0


def fresh(prefix: str) -> str:
    """An id that Stripe never made, and that one recognises as such."""
    return f"{prefix}_sample{secrets.token_hex(8)}"


def known_customer(user: User | None, email: str) -> Customer | None:
    theirs = Q(pk=usual_customer_id(email)) | Q(user=None, email__iexact=email) | (Q(user=user) if user else Q(pk=None))
    return Customer.objects.usable().filter(theirs).order_by(F("user").desc(nulls_last=True)).first()


def usual_customer_id(email: str) -> str:
    """The same in every run."""
    return f"cus_sample{hashlib.sha256(email.lower().encode()).hexdigest()[:16]}"


def new_customer_id(email: str) -> str:
    usual = usual_customer_id(email)
    return fresh("cus") if Customer.objects.filter(pk=usual).exists() else usual  # it was deleted


def running_subscription(customer: Customer | None) -> Subscription | None:
    return customer.subscriptions.exclude(status__in=FINAL).first() if customer else None


def newest_payment(customer: Customer | None) -> Payment | None:
    """Of an invoice."""
    if customer is None:
        return None
    return customer.payments.filter(status=Payment.Status.PAID, stripe_id__startswith="in_").first()


def expected_invoice(customer: Customer | None) -> str:
    """That of a checkout that was told here before its invoice."""
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
