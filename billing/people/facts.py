"""What staff see about a person's money at the head of their page in the admin."""

from collections.abc import Iterator

from accounts.hooks import PersonFact
from accounts.models import User
from billing import states
from billing.models import Customer, Payment, Subscription
from billing.services import charges
from billing.services.dues import dues_of
from billing.stripe_pages import at_stripe, stripe_page
from common.badges import State, Tone
from common.links import change_url

SHOWN_CUSTOMERS = 3
NO_PLAN = State("No subscription", Tone.QUIET)
PAYMENT_DUE = State("Payment due", Tone.BAD)
NOTHING_DUE = State("Nothing due", Tone.GOOD)


def facts(user: User) -> Iterator[PersonFact]:
    yield plan_of(user)
    yield from payment_states(user)
    for customer in Customer.objects.filter(user=user)[:SHOWN_CUSTOMERS]:
        page = at_stripe(stripe_page(customer.pk))
        yield PersonFact("Stripe customer", customer.pk, change_url(customer), links=page)


def plan_of(user: User) -> PersonFact:
    subscription = Subscription.objects.current_of(user.pk)
    if subscription is None:
        return PersonFact("Plan", badge=NO_PLAN.badge)
    name = subscription.plan_name or subscription.pk
    page = at_stripe(stripe_page(subscription.pk))
    return PersonFact("Plan", name, change_url(subscription), states.subscription_state(subscription).badge, page)


def payment_states(user: User) -> Iterator[PersonFact]:
    dues = dues_of(user.pk)
    for due in dues:
        row = due.payment or due.subscription
        yield PersonFact("Payments", due.display_amount, change_url(row), PAYMENT_DUE.badge)
    names = charges.names_of(Payment.objects.of(user.pk))
    open_disputes = [dispute for dispute in charges.disputes(names) if dispute.is_open]
    for dispute in open_disputes:
        badge = states.dispute_state(dispute).badge
        yield PersonFact("Dispute", dispute.display_amount, change_url(dispute), badge, at_stripe(dispute.stripe_url))
    if not dues and not open_disputes:
        yield PersonFact("Payments", badge=NOTHING_DUE.badge)
