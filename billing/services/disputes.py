"""Disputes and early fraud warnings: stored in their newest state, and reported to staff, who must act at Stripe."""

import logging
from dataclasses import asdict
from typing import TypeVar

from django.db import transaction

from billing import keys, mail
from billing.models import Dispute, EarlyFraudWarning, Payment, Subscription
from billing.models.suspensions import is_suspending
from billing.payloads import DisputeState, FraudWarning
from billing.services import alerts, announcements, contacts
from billing.services.customers import PaymentUnknown
from billing.services.refunds import payment_of
from common.db import insert_if_absent

logger = logging.getLogger(__name__)

NoticeT = TypeVar("NoticeT", Dispute, EarlyFraudWarning)


def record_dispute(state: DisputeState, version: str) -> None:
    """Store the dispute's newest state, and report it to staff. Raises ``PaymentUnknown``."""
    dispute = lock_or_create(Dispute, state.id)
    payment = payment_of(state.charge or dispute.charge, state.payment_intent or dispute.payment_intent)
    subscription = subscription_of(payment)
    plan_before = contacts.plan_of(subscription)
    store(dispute, state, version)
    # Others can use the same Stripe account, and their disputes are no concern of our staff.
    if payment is None:
        raise PaymentUnknown
    link(dispute, payment)
    announcements.announce_dispute(dispute)
    if subscription is not None:
        contacts.report_change(subscription, plan_before)
    report_dispute(dispute, payment)


def record_warning(warning: FraudWarning, version: str) -> None:
    """Store the warning's newest state, and report it to staff once. Raises ``PaymentUnknown``."""
    row = lock_or_create(EarlyFraudWarning, warning.id)
    store(row, warning, version)
    payment = payment_of(row.charge, row.payment_intent)
    if payment is None:
        raise PaymentUnknown
    link(row, payment)
    logger.warning("Early fraud warning %s about %s: %s.", row.pk, payment.stripe_id, row.fraud_type or "unknown")
    for address in alerts.addresses():
        mail.send_fraud_notice(address, row, payment)


def remind_of_evidence() -> int:
    """Remind staff of disputes whose evidence is due in a few days, each once. Returns how many there were."""
    due = [*Dispute.objects.to_remind().values_list("pk", flat=True)]
    for dispute_id in due:
        with transaction.atomic():
            # Read again under the lock, because an event may have settled it in the meantime.
            dispute = Dispute.objects.to_remind().select_for_update(of=("self",)).filter(pk=dispute_id).first()
            if dispute is not None and dispute.payment is not None:
                dispute.reminded_for = dispute.evidence_due_at
                dispute.save(update_fields=["reminded_for"])
                logger.error("Evidence for dispute %s is due at %s.", dispute.pk, dispute.evidence_due_at)
                notify(dispute, dispute.payment, keys.EVIDENCE_DUE)
    return len(due)


def lock_or_create(model: type[NoticeT], row_id: str) -> NoticeT:
    """Return the row, inserted if necessary and locked until the transaction ends."""
    insert_if_absent([model(pk=row_id)])
    return model._default_manager.select_for_update().get(pk=row_id)


def store(row: Dispute | EarlyFraudWarning, state: DisputeState | FraudWarning, version: str) -> None:
    """Store the state unless a newer one is stored."""
    if version < row.version:
        return
    for name, value in asdict(state).items():
        # What an event leaves out is still true.
        setattr(row, name, value or getattr(row, name) if name in ("charge", "payment_intent") else value)
    row.version = version
    row.save()


def link(row: Dispute | EarlyFraudWarning, payment: Payment) -> None:
    if row.payment_id != payment.pk:
        row.payment = payment
        row.save(update_fields=["payment"])


def subscription_of(payment: Payment | None) -> Subscription | None:
    if payment is None or not payment.subscription_id:
        return None
    return Subscription.objects.filter(pk=payment.subscription_id).first()


def report_dispute(dispute: Dispute, payment: Payment) -> None:
    level = logging.INFO if dispute.is_settled else logging.ERROR
    logger.log(level, "Dispute %s about %s is %s. See it at Stripe.", dispute.pk, payment.stripe_id, dispute.status)
    if dispute.status:
        notify(dispute, payment, step_of(dispute))


def step_of(dispute: Dispute) -> str:
    """Return which email informs staff of this state. Each is sent once."""
    if dispute.is_open:
        return keys.OPENED
    return dispute.status if dispute.status in (keys.LOST, keys.WON) else keys.CLOSED


def notify(dispute: Dispute, payment: Payment, step: str) -> None:
    suspends = is_suspending() and bool(payment.subscription_id)
    for address in alerts.addresses():
        mail.send_dispute_notice(address, dispute, payment, step=step, suspends=suspends)
