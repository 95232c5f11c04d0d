"""Disputes. Staff must answer them at Stripe in time, and the payment shows them."""

import logging
from dataclasses import asdict

from billing.models import Dispute
from billing.models.disputes import SETTLED
from billing.payloads import DisputeState
from billing.services.customers import PaymentUnknown
from billing.services.refunds import payment_of
from common.db import insert_if_absent

logger = logging.getLogger(__name__)


def record_dispute(state: DisputeState, version: str) -> None:
    """Store the dispute's newest state, and log it for staff. Raises ``PaymentUnknown``."""
    insert_if_absent([Dispute(pk=state.id)])
    dispute = Dispute.objects.select_for_update().get(pk=state.id)
    if version >= dispute.version:
        for name, value in asdict(state).items():
            setattr(dispute, name, value)
        dispute.version = version
        dispute.save()
    # Others can use the same Stripe account, and their disputes are no concern of our staff.
    payment = payment_of(dispute.charge, dispute.payment_intent)
    if payment is None:
        raise PaymentUnknown
    level = logging.INFO if dispute.status in SETTLED else logging.ERROR
    logger.log(level, "Dispute %s about %s is %s. See it at Stripe.", dispute.pk, payment.stripe_id, dispute.status)
