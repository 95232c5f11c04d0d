"""What billing refuses, in words for the person and a code for the client."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException
from rest_framework.status import (
    HTTP_400_BAD_REQUEST,
    HTTP_409_CONFLICT,
    HTTP_502_BAD_GATEWAY,
    HTTP_503_SERVICE_UNAVAILABLE,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

TRY_AGAIN_AFTER = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=1)


class BillingError(APIException):
    """A refusal, answered as `{"detail", "code"}`."""

    status_code: int = HTTP_400_BAD_REQUEST

    def __init__(self, sentence: "StrOrPromise" = "") -> None:
        super().__init__({"detail": sentence or self.default_detail, "code": self.default_code})
        self.sentence = str(sentence or self.default_detail)


class UnknownPlan(BillingError, ValueError):
    """Answered under the name of the field."""

    default_code = "unknown_plan"

    def __init__(self, known: Iterable[str]) -> None:
        self.sentence = _("There's no such plan. Choose one of these: %(plans)s.") % {"plans": ", ".join(known)}
        APIException.__init__(self, {"plan": [self.sentence]})


class AlreadySubscribed(BillingError, ValueError):
    status_code = HTTP_409_CONFLICT
    default_detail = _("You already have a subscription. Change or cancel it in the customer portal.")
    default_code = "already_subscribed"


class NothingBought(BillingError, LookupError):
    status_code = HTTP_409_CONFLICT
    default_detail = _("There's nothing to manage yet. Choose a plan first.")
    default_code = "nothing_bought"


class CheckoutSuperseded(BillingError, RuntimeError):
    status_code = HTTP_409_CONFLICT
    default_detail = _("Another checkout was started in the meantime. Continue there, or start again.")
    default_code = "checkout_superseded"


class PaymentsNotSetUp(BillingError, RuntimeError):
    status_code = HTTP_503_SERVICE_UNAVAILABLE
    default_detail = _("Payments aren't set up yet. Set STRIPE_SECRET_KEY.")
    default_code = "payments_not_set_up"


class PlanNotSetUp(BillingError, RuntimeError):
    status_code = HTTP_503_SERVICE_UNAVAILABLE
    default_code = "plan_not_set_up"

    def __init__(self, plan: str) -> None:
        sentence = _("The plan %(plan)s doesn't have a price yet. Add its Stripe price ID to settings/plans.py.")
        super().__init__(sentence % {"plan": plan})


class StripeUnavailable(BillingError, ConnectionError):
    """No answer, or one that promises another one later. ``is_final`` where Stripe would give this very answer again
    to the same Idempotency-Key."""

    status_code = HTTP_503_SERVICE_UNAVAILABLE
    default_detail = _("We can't reach Stripe right now. You haven't been charged. Try again in a moment.")
    default_code = "stripe_unavailable"

    def __init__(self, retry_after: timedelta | None = None, *, is_final: bool = False) -> None:
        super().__init__()
        self.is_final = is_final
        # Answered as Retry-After, in whole seconds.
        self.wait = max(min(retry_after or TRY_AGAIN_AFTER, LONGEST_WAIT).total_seconds(), 1)


class StripeRefused(BillingError, RuntimeError):
    """Stripe takes the request for wrong, which only the owner can mend. ``missing`` is the parameter that names
    something that is not there; ``is_other_request`` says that the Idempotency-Key was used for something else."""

    status_code = HTTP_502_BAD_GATEWAY
    default_detail = _("Something went wrong on our side. You haven't been charged, and we've been notified.")
    default_code = "stripe_refused"

    def __init__(self, *, status: int = 0, missing: str = "", is_other_request: bool = False) -> None:
        super().__init__()
        self.stripe_status = status
        self.missing = missing
        self.is_other_request = is_other_request

    @property
    def is_outdated(self) -> bool:
        """Whether it shows that what we knew is out of date, which is known now: another try may fare better."""
        return self.missing == "customer" or self.is_other_request

    @property
    def concerns_the_key(self) -> bool:
        """Whether the next request would fare no better."""
        return self.stripe_status in (401, 403)
