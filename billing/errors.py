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


class AlreadySubscribed(BillingError, ValueError):
    category = Category.CONFLICT
    default_message = _("You already have a subscription. Change or cancel it in the customer portal.")
    code = "already_subscribed"


class NothingBought(BillingError, LookupError):
    category = Category.CONFLICT
    default_message = _("There's nothing to manage yet. Choose a plan first.")
    code = "nothing_bought"


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

    ``status`` is Stripe's HTTP status, ``missing`` the parameter that names an object Stripe does not have, and
    ``is_key_reused`` means that the Idempotency-Key was used for a different request before.
    """

    category = Category.UPSTREAM
    default_message = _("Something went wrong on our side. You haven't been charged, and we've been notified.")
    code = "stripe_refused"

    def __init__(self, *, status: int = 0, missing: str = "", is_key_reused: bool = False) -> None:
        super().__init__()
        self.stripe_status = status
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
