"""The errors that billing raises: a message for the person and a code for the client."""

from collections.abc import Iterable
from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from common.errors import ApplicationError, Category

TRY_AGAIN_AFTER = timedelta(seconds=10)
SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(hours=1)


class BillingError(ApplicationError):
    """Base class of all errors that billing raises."""


class UnknownPlan(BillingError, ValueError):
    """Reported as an error of the field ``plan``."""

    code = "unknown_plan"

    def __init__(self, known: Iterable[str]) -> None:
        message = _("There's no such plan. Choose one of these: %(plans)s.") % {"plans": ", ".join(known)}
        super().__init__(message, fields={"plan": [message]})


class UnknownProduct(BillingError, ValueError):
    """Reported as an error of the field ``product``."""

    code = "unknown_product"

    def __init__(self, known: Iterable[str]) -> None:
        message = _("There's no such product. Choose one of these: %(products)s.") % {"products": ", ".join(known)}
        super().__init__(message, fields={"product": [message]})


class AlreadySubscribed(BillingError, ValueError):
    category = Category.CONFLICT
    default_message = _("You already have a subscription. Change or cancel it in the customer portal.")
    code = "already_subscribed"


class NothingBought(BillingError, LookupError):
    category = Category.CONFLICT
    default_message = _("There's nothing to manage yet. Choose a plan first.")
    code = "nothing_bought"


class NothingDue(BillingError, LookupError):
    category = Category.CONFLICT
    default_message = _("There's nothing to pay right now.")
    code = "nothing_due"


class CheckoutSuperseded(BillingError, RuntimeError):
    category = Category.CONFLICT
    default_message = _("Another checkout was started in the meantime. Continue there, or start again.")
    code = "checkout_superseded"


class AccountDeleted(BillingError, LookupError):
    """The user was deleted while the request was under way."""

    category = Category.CONFLICT
    default_message = _("This account has been deleted. You haven't been charged.")
    code = "account_deleted"


class PaymentsNotSetUp(BillingError, RuntimeError):
    category = Category.UNAVAILABLE
    default_message = _("Payments aren't set up yet. Set STRIPE_SECRET_KEY.")
    code = "payments_not_set_up"


class PlanNotSetUp(BillingError, RuntimeError):
    category = Category.UNAVAILABLE
    code = "plan_not_set_up"

    def __init__(self, plan: str) -> None:
        message = _("The plan %(plan)s doesn't have a price yet. Add its Stripe price ID to settings/plans.py.")
        super().__init__(message % {"plan": plan})


class DocumentMissing(BillingError, LookupError):
    """The payment has no invoice and no receipt."""

    default_message = _("There's no invoice for this payment.")
    code = "no_invoice"


class DocumentUnavailable(BillingError, ConnectionError):
    category = Category.UNAVAILABLE
    default_message = _("We can't get this invoice from Stripe right now. Try again in a few minutes.")
    code = "invoice_unavailable"

    def __init__(self, *, retry_after: timedelta | None = None) -> None:
        self.wait = retry_after or TRY_AGAIN_AFTER
        super().__init__(retry_after=self.wait)


class StripeUnavailable(BillingError, ConnectionError):
    """Stripe did not respond, or asked us to try again later.

    ``is_replayed`` means that Stripe has stored this response and would repeat it for the same Idempotency-Key.
    """

    category = Category.UNAVAILABLE
    default_message = _("We can't reach Stripe right now. You haven't been charged. Try again in a moment.")
    code = "stripe_unavailable"

    def __init__(self, retry_after: timedelta | None = None, *, is_replayed: bool = False) -> None:
        wait = max(min(retry_after or TRY_AGAIN_AFTER, LONGEST_WAIT), SHORTEST_WAIT)
        super().__init__(retry_after=wait)
        self.is_replayed = is_replayed


class StripeRefused(BillingError, RuntimeError):
    """Stripe rejected the request, which only the owner of this site can fix.

    ``status`` and ``stripe_code`` are Stripe's HTTP status and error code, ``missing`` is the parameter that names an
    object Stripe does not have, and ``is_key_reused`` means that the Idempotency-Key was used for a different request
    before.
    """

    category = Category.UPSTREAM
    default_message = _("Something went wrong on our side. You haven't been charged, and we've been notified.")
    code = "stripe_refused"

    def __init__(
        self, *, status: int = 0, missing: str = "", is_key_reused: bool = False, stripe_code: str = ""
    ) -> None:
        super().__init__()
        self.stripe_status = status
        self.stripe_code = stripe_code
        self.missing = missing
        self.is_key_reused = is_key_reused

    @property
    def is_outdated(self) -> bool:
        """Whether our stored data was out of date. It has been corrected since, so another attempt may succeed."""
        return self.missing == "customer" or self.is_key_reused

    @property
    def is_key_rejected(self) -> bool:
        """Whether Stripe rejected our API key, so that every other request would fail too."""
        return self.stripe_status in (401, 403)


# Changes of a subscription


class NoSubscription(BillingError, LookupError):
    category = Category.CONFLICT
    default_message = _("You don't have a subscription yet. Choose a plan first.")
    code = "no_subscription"


class SubscriptionEnded(BillingError, LookupError):
    category = Category.CONFLICT
    default_message = _("Your subscription has ended. Choose a plan to start again.")
    code = "subscription_ended"


class SubscriptionIncomplete(BillingError, RuntimeError):
    category = Category.CONFLICT
    default_message = _("Your first payment hasn't arrived yet. You can change your plan once it has.")
    code = "subscription_incomplete"


class SeveralSubscriptions(BillingError, LookupError):
    category = Category.CONFLICT
    default_message = _("You have several subscriptions. Manage them on Stripe's page.")
    code = "several_subscriptions"


class NotChangeable(BillingError, RuntimeError):
    """The subscription contains something that isn't in settings/plans.py."""

    category = Category.CONFLICT
    default_message = _("This subscription can't be changed here. Contact us, or manage it on Stripe's page.")
    code = "not_changeable"


class PaymentDue(BillingError, RuntimeError):
    category = Category.CONFLICT
    default_message = _("Your last payment failed. Pay it first, and then change your plan.")
    code = "payment_due"


class SubscriptionPaused(BillingError, RuntimeError):
    category = Category.CONFLICT
    default_message = _("Your subscription is paused. You can change your plan once it continues.")
    code = "subscription_paused"


class CancellationScheduled(BillingError, RuntimeError):
    category = Category.CONFLICT
    default_message = _("Your subscription is about to end. Resume it first, and then change your plan.")
    code = "cancellation_scheduled"


class NothingToChange(BillingError, ValueError):
    category = Category.CONFLICT
    default_message = _("You have this plan already, so there's nothing to change.")
    code = "nothing_to_change"


class AlreadyScheduled(BillingError, ValueError):
    category = Category.CONFLICT
    default_message = _("This change is scheduled already.")
    code = "already_scheduled"


class CurrencyMismatch(BillingError, ValueError):
    category = Category.CONFLICT
    code = "currency_mismatch"

    def __init__(self, currency: str) -> None:
        message = _("You pay in %(currency)s, and this plan isn't available in that currency. Contact us to change it.")
        super().__init__(message % {"currency": currency.upper()})


class PreviewOutdated(BillingError, RuntimeError):
    category = Category.CONFLICT
    default_message = _("What you confirmed is out of date. Nothing has been changed. Check the new amounts first.")
    code = "preview_outdated"


class ChangeInProgress(BillingError, RuntimeError):
    category = Category.CONFLICT
    default_message = _("Another change is being processed. Try again in a minute.")
    code = "change_in_progress"


class PaymentDeclined(BillingError, RuntimeError):
    category = Category.PAYMENT_REQUIRED
    default_message = _("Your payment was declined, so nothing has been changed. Update your card, and then try again.")
    code = "payment_declined"


class PaymentNeedsConfirmation(BillingError, RuntimeError):
    """The bank asks for 3-D Secure, which needs the person on Stripe's page."""

    category = Category.PAYMENT_REQUIRED
    default_message = _(
        "Your bank wants you to confirm the payment, so nothing has been changed. Change your plan on Stripe's page, "
        "where you can confirm it."
    )
    code = "payment_needs_confirmation"


class ChangePending(StripeUnavailable):
    """Stripe may or may not have made the change. It is repeated with the same Idempotency-Key."""

    default_message = _(
        "Your change is being processed, but Stripe hasn't confirmed it yet. You don't need to repeat it, and it takes "
        "effect only one time."
    )
    code = "change_pending"


class UnknownInterval(BillingError, ValueError):
    """Reported as an error of the field ``interval``."""

    code = "unknown_interval"

    def __init__(self) -> None:
        message = _("This plan isn't available for this interval. See the list of plans.")
        super().__init__(message, fields={"interval": [message]})


class UnknownAddOn(BillingError, ValueError):
    """Reported as an error of the field ``add_ons``."""

    code = "unknown_add_on"

    def __init__(self) -> None:
        message = _("At least one of these add-ons isn't available for this plan and interval.")
        super().__init__(message, fields={"add_ons": [message]})


class QuantityNotAllowed(BillingError, ValueError):
    """Reported as an error of the field ``quantity``. Without a ``maximum``, there is no limit."""

    code = "quantity_not_allowed"

    def __init__(self, minimum: int, maximum: int | None) -> None:
        if maximum is None:
            message = _("Choose at least %(minimum)d seats.") % {"minimum": minimum}
        elif minimum == maximum:
            message = _("This plan is for %(minimum)d person only.") % {"minimum": minimum}
        else:
            message = _("Choose %(minimum)d to %(maximum)d seats.") % {"minimum": minimum, "maximum": maximum}
        super().__init__(message, fields={"quantity": [message]})


class SeatsInUse(BillingError, ValueError):
    """Reported as an error of the field ``quantity``."""

    code = "seats_in_use"

    def __init__(self, count: int) -> None:
        message = _("%(count)d seats are in use. Remove people first, or choose more seats.") % {"count": count}
        super().__init__(message, fields={"quantity": [message]})
