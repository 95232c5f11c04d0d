"""What people hear when a subscription ends, or is suspended because Stripe has given up collecting the payment.

Stripe can be set to cancel such a subscription, or to keep it as ``unpaid``. In both cases, one email says so, instead
of the one about the last failed attempt.
"""

from contextlib import suppress
from datetime import timedelta

from billing import mail
from billing.models import Payment, Subscription
from billing.models.clock import has_passed
from billing.payloads import SubscriptionState
from billing.services import open_payments
from billing.services.customers import AddressUnknown, Payer, PersonErased
from billing.services.subscriptions import record_state

NEWS = timedelta(days=7)  # an end that is found later is known to everybody


def record_change(state: SubscriptionState, version: str) -> None:
    """Store the state, and send the email about the suspension if Stripe has given up collecting the payment."""
    announce_suspension(*record_state(state, version))


def announce_suspension(payer: Payer, subscription: Subscription) -> None:
    """Send the email about an unpaid subscription once, and withdraw what the newest state contradicts."""
    is_unpaid = subscription.status == "unpaid"
    if is_unpaid and not subscription.unpaid_notice:
        cancel_dunning_emails(subscription)
        key = mail.send_subscription_unpaid_email(payer.recipient, subscription)
        set_unpaid_notice(subscription, key)
    elif not is_unpaid and not subscription.is_final and subscription.unpaid_notice:
        mail.cancel_email(subscription.unpaid_notice)
        set_unpaid_notice(subscription, "")
    payment = subscription.open_payment
    if payment and open_payments.is_settled(subscription, open_payments.failed_at(payment)):
        mail.cancel_dunning_emails(payment)


def set_unpaid_notice(subscription: Subscription, key: str) -> None:
    subscription.unpaid_notice = key
    subscription.save(update_fields=["unpaid_notice"])


def record_end(state: SubscriptionState, version: str) -> None:
    """Store the end, and send the email about it if the subscription had begun."""
    announce_end(*record_state(state, version), state)


def announce_end(payer: Payer, subscription: Subscription, state: SubscriptionState) -> None:
    # The other final status is incomplete_expired: the first payment never arrived, so nothing ends for the customer.
    if state.status != "canceled":
        return
    cancel_dunning_emails(subscription)
    if subscription.unpaid_notice and mail.cancel_email(subscription.unpaid_notice):
        set_unpaid_notice(subscription, "")
    # If that email was sent, the customer knows that the subscription went on only with a payment.
    if not subscription.unpaid_notice:
        mail.send_subscription_ended_email(payer.recipient, state)


def cancel_dunning_emails(subscription: Subscription) -> None:
    for payment in Payment.objects.open_of(subscription.pk):
        mail.cancel_dunning_emails(payment)


def announce_found(payer: Payer, subscription: Subscription, state: SubscriptionState) -> None:
    """Send the emails about what Stripe answered, in case the event never arrives."""
    is_news = state.ended_at is None or not has_passed(state.ended_at, NEWS)
    with suppress(AddressUnknown, PersonErased):
        announce_suspension(payer, subscription)
        if is_news:
            announce_end(payer, subscription, state)
