"""The made-up subscriptions and payments, as Stripe's events would have left them behind."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from billing import keys
from billing.models import Card, Customer, Dispute, InvoicePayment, Payment, RefundedCharge, StripeEvent, Subscription
from billing.plans import Plan, Price, all_plans
from billing.services.versions import version
from common.money import Amount
from operations.demo.marks import stripe_id
from operations.demo.occasions import Occasion
from operations.demo.people import MONTH, Person, Story

TRIAL = timedelta(days=14)
RETRY_AFTER = timedelta(days=3)
EVIDENCE_TIME = timedelta(days=9)
MONTHS = {"month": 1, "year": 12}
API_VERSION = "2025-09-30.clover"
DISPUTED, REFUNDED, WRITTEN_OFF = 0.006, 0.02, 0.5  # shares
DISPUTE_STATES = ("needs_response", "under_review", "won", "lost")


@dataclass
class Ledger:
    """Rows to insert, in the order in which they refer to each other, and the emails that follow from them."""

    customers: list[Customer] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    invoice_payments: list[InvoicePayment] = field(default_factory=list)
    refunds: list[RefundedCharge] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    events: list[StripeEvent] = field(default_factory=list)
    occasions: list[Occasion] = field(default_factory=list)


class Bookkeeper:
    """Writes a ledger for each person. Numbers everything, so that the same people get the same IDs again."""

    def __init__(self, now: datetime, random: Random) -> None:
        self._now, self._random = now, random
        self._number = 0
        self._plans = [plan for plan in all_plans() if plan.prices]

    def ledger_of(self, person: Person) -> Ledger:
        """Return the person's rows. Without a plan that can be bought, and for most people, there are none."""
        ledger = Ledger()
        if person.story == Story.NONE or not self._plans:
            return ledger
        customer = Customer(
            id=stripe_id("cus", person.number),
            user=person.user,
            is_marked=True,
            email=person.user.email,
            name=person.user.name,
            payment_method=stripe_id("pm", person.number),
            created_at=person.joined_at,
        )
        ledger.customers.append(customer)
        ledger.cards.append(self._card(customer, person))
        plan = self._random.choices(self._plans, weights=[3, *[1] * (len(self._plans) - 1)])[0]
        price = self._random.choices(plan.prices, weights=[6, *[1] * (len(plan.prices) - 1)])[0]
        subscription = self._subscription(person, customer, plan, price)
        ledger.subscriptions.append(subscription)
        self._add_charges(ledger, person, subscription, plan, price)
        self._add_end(ledger, person, subscription)
        return ledger

    def _card(self, customer: Customer, person: Person) -> Card:
        return Card(
            id=stripe_id("pm", person.number),
            customer=customer,
            brand=self._random.choice(["visa", "mastercard", "amex"]),
            last4=f"{self._random.randint(0, 9999):04d}",
            expires_at=self._now + MONTH * self._random.randint(1, 40),
        )

    def _subscription(self, person: Person, customer: Customer, plan: Plan, price: Price) -> Subscription:
        is_trial = person.story == Story.TRIAL
        start = self._now - self._random.random() * TRIAL if is_trial else person.joined_at + timedelta(hours=1)
        seats = self._random.randint(plan.seats.minimum, plan.seats.minimum + 5) if plan.seats else 1
        return Subscription(
            id=stripe_id("sub", person.number),
            customer=customer,
            status=person.story.value,
            price_id=price.id,
            items=[
                {
                    "id": stripe_id("si", person.number),
                    "price_id": price.id,
                    "quantity": seats,
                    "unit_amount": price.amount,
                    "currency": price.currency,
                    "description": plan.name,
                }
            ],
            recurring_amount=price.amount * seats,
            currency=price.currency,
            interval=price.interval,
            interval_count=price.interval_count,
            quantity=seats,
            has_long_period=price.interval == "year",
            current_period_start=start,
            current_period_end=start + TRIAL if is_trial else start + MONTH * MONTHS.get(price.interval, 1),
            trial_end=start + TRIAL if is_trial else None,
            ordered_at=start,
            has_begun=True,
            version=version(start, 2),
            reported_at=start,
        )

    def _add_charges(
        self, ledger: Ledger, person: Person, subscription: Subscription, plan: Plan, price: Price
    ) -> None:
        """Charge once for each period that has begun, and move the subscription into the last one."""
        start, period = subscription.current_period_start, MONTH * MONTHS.get(price.interval, 1)
        if start is None or person.story == Story.TRIAL:
            return
        last = self._now - timedelta(hours=2)
        moments = [start]
        while moments[-1] + period < last:
            moments.append(moments[-1] + period)
        fails = person.story == Story.PAST_DUE
        for at in moments:
            is_failure = fails and at == moments[-1]
            self._add_payment(ledger, person, subscription, plan.name, at, is_failure=is_failure)
        subscription.current_period_start, subscription.current_period_end = moments[-1], moments[-1] + period
        subscription.latest_invoice = ledger.payments[-1].stripe_id
        subscription.first_paid_at = start
        subscription.version = version(moments[-1], 2)
        if fails:
            subscription.unpaid_since = moments[-1]

    def _add_payment(
        self, ledger: Ledger, person: Person, subscription: Subscription, plan: str, at: datetime, *, is_failure: bool
    ) -> None:
        self._number += 1
        payment = Payment(
            stripe_id=stripe_id("in", self._number),
            customer=subscription.customer,
            user=person.user,
            email=person.user.email,
            subscription_id=subscription.pk,
            status=Payment.Status.FAILED if is_failure else Payment.Status.PAID,
            amount=subscription.recurring_amount or 0,
            currency=subscription.currency,
            description=plan,
            number=f"DE30-{self._number:05d}",
            paid_at=None if is_failure else at,
            attempt=1 if is_failure else 0,
            next_attempt_at=self._now + RETRY_AFTER if is_failure else None,
            first_failed_at=at if is_failure else None,
            last_failed_at=at if is_failure else None,
            payment_intent=stripe_id("pi", self._number),
            charge=stripe_id("ch", self._number),
            created_at=at,
        )
        ledger.payments.append(payment)
        ledger.invoice_payments.append(InvoicePayment(payment.payment_intent, payment.stripe_id))
        ledger.events.append(self._event("invoice.payment_failed" if is_failure else "invoice.paid", payment, at))
        kind, key = ("payment_failed", keys.dunning_key) if is_failure else ("receipt", keys.receipt_key)
        ledger.occasions.append(occasion(kind, key(payment), person, payment, at))
        if not is_failure:
            ledger.refunds.extend(self._refund(ledger, person, payment, at))
            ledger.disputes.extend(self._dispute(payment, at))

    def _event(self, event_type: str, payment: Payment, at: datetime) -> StripeEvent:
        # Only what staff look at: the sample commands send complete events.
        event_id = stripe_id("evt", self._number)
        data = {"object": {"id": payment.stripe_id, "object": "invoice", "customer": payment.customer_id}}
        return StripeEvent(
            id=event_id,
            type=event_type,
            api_version=API_VERSION,
            livemode=False,
            customer_id=payment.customer_id or "",
            object_id=payment.stripe_id,
            body=json.dumps({"id": event_id, "object": "event", "type": event_type, "data": data}),
            status=StripeEvent.Status.PROCESSED,
            created_at=at,
            received_at=at + timedelta(seconds=1),
            processed_at=at + timedelta(seconds=1),
        )

    def _refund(self, ledger: Ledger, person: Person, payment: Payment, at: datetime) -> Iterator[RefundedCharge]:
        refunded_at = at + timedelta(days=self._random.randint(1, 6))
        if self._random.random() > REFUNDED or refunded_at > self._now:
            return
        refund = stripe_id("re", self._number)
        stored = {"amount": payment.amount, "status": "succeeded", "version": version(refunded_at, 2, refund)}
        yield RefundedCharge(
            id=payment.charge,
            charge=payment.charge,
            payment_intent=payment.payment_intent,
            currency=payment.currency,
            amount=payment.amount,
            refunds={refund: stored},
            announced={refund: payment.amount},
        )
        ledger.occasions.append(occasion("refund", keys.refund_key(refund), person, payment, refunded_at))

    def _dispute(self, payment: Payment, at: datetime) -> Iterator[Dispute]:
        opened_at = at + timedelta(days=self._random.randint(1, 20))
        if self._random.random() > DISPUTED or opened_at > self._now:
            return
        due_at = opened_at + EVIDENCE_TIME
        status = "needs_response" if due_at > self._now else self._random.choice(DISPUTE_STATES[1:])
        yield Dispute(
            id=stripe_id("du", self._number),
            charge=payment.charge,
            payment_intent=payment.payment_intent,
            payment=payment,
            version=version(opened_at, 2),
            amount=payment.amount,
            currency=payment.currency,
            status=status,
            reason=self._random.choice(["fraudulent", "product_not_received", "subscription_canceled"]),
            opened_at=opened_at,
            evidence_due_at=due_at,
            has_evidence=status != "needs_response",
            is_announced=True,
        )

    def _add_end(self, ledger: Ledger, person: Person, subscription: Subscription) -> None:
        """End the subscription, if that is the person's story, or remind them of the end of their trial."""
        if person.story == Story.ENDED:
            ended_at = (subscription.current_period_start or self._now) + timedelta(hours=1)
            subscription.ended_at, subscription.end_reason = ended_at, "cancellation_requested"
            subscription.version = version(ended_at, 3)
            key = f"ended:{subscription.pk}"
            ledger.occasions.append(Occasion(person, ended_at, "subscription_ended", key))
        elif subscription.trial_end and subscription.trial_end - RETRY_AFTER < self._now:
            at = subscription.trial_end - RETRY_AFTER
            amount = Amount(subscription.recurring_amount or 0, subscription.currency)
            key = keys.trial_ending_key(subscription)
            ledger.occasions.append(Occasion(person, at, "trial_ending", key, amount))
            subscription.announced_trial_end = subscription.trial_end


def occasion(kind: str, key: str, person: Person, payment: Payment, at: datetime) -> Occasion:
    return Occasion(person, at, kind, key, Amount(payment.amount, payment.currency), payment.number)


def insert(ledger: Ledger) -> None:
    """Insert the rows of all people whose ledgers were merged into this one, and the failed payments' references."""
    Customer.objects.bulk_create(ledger.customers)
    Card.objects.bulk_create(ledger.cards)
    Payment.objects.bulk_create(ledger.payments)
    open_payments = {payment.subscription_id: payment for payment in ledger.payments if payment.is_open}
    for subscription in ledger.subscriptions:
        subscription.open_payment = open_payments.get(subscription.pk)
    Subscription.objects.bulk_create(ledger.subscriptions)
    InvoicePayment.objects.bulk_create(ledger.invoice_payments)
    RefundedCharge.objects.bulk_create(ledger.refunds)
    Dispute.objects.bulk_create(ledger.disputes)
    StripeEvent.objects.bulk_create(ledger.events)


def merge(ledgers: list[Ledger]) -> Ledger:
    merged = Ledger()
    for ledger in ledgers:
        for name, rows in vars(ledger).items():
            getattr(merged, name).extend(rows)
    return merged
