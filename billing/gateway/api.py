"""What is asked of Stripe: https://docs.stripe.com/api. Objects come back as plain dicts, in the shape of the package's
API version. Every refusal leaves here as a ``BillingError``, and in the log as what staff need to mend it.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.conf import settings

from billing.errors import BillingError, PaymentsNotSetUp, StripeRefused, StripeUnavailable
from billing.payloads.values import ref
from common.http.retry_after import retry_after
from common.redaction import redact

if TYPE_CHECKING:
    import stripe

logger = logging.getLogger(__name__)

MOST_OF_A_LIST = 100
SECRET_PARAMETERS = ("email", "name")


class StripeApi:
    """One operation's calls, all of them within ``patience``, by default that of a request.

    Raises ``PaymentsNotSetUp`` without a key.
    """

    def __init__(self, patience: timedelta | None = None, **options: int) -> None:
        if not settings.STRIPE_SECRET_KEY:
            raise PaymentsNotSetUp
        from billing.gateway.client import connect  # noqa: PLC0415  # 30 MB

        self._client = connect(patience or timedelta(seconds=settings.STRIPE_REQUEST_SECONDS), **options)

    def create_customer(self, *, key: str, email: str, name: str, metadata: Mapping[str, str]) -> str:
        """Its id. May be repeated with the same key and words."""
        person = {"email": email, "name": name} if name else {"email": email}
        return ref(self._ask("post", "/v1/customers", idempotency_key=key, metadata=dict(metadata), **person))

    def find_customer(self, *, email: str, metadata: Mapping[str, str]) -> str:
        """The id of the customer with this address that carries all of the metadata; empty if there is none."""
        found = self._ask("get", "/v1/customers", email=email, limit=MOST_OF_A_LIST).get("data")
        customers = [customer for customer in found if isinstance(customer, dict)] if isinstance(found, list) else []
        matching = (one for one in customers if metadata.items() <= dict(one.get("metadata") or {}).items())
        return next(map(ref, matching), "")

    def customer(self, customer_id: str) -> dict[str, Any]:
        return self._ask("get", f"/v1/customers/{quote(customer_id, safe='')}")

    def subscription(self, subscription_id: str) -> dict[str, Any]:
        return self._ask("get", f"/v1/subscriptions/{quote(subscription_id, safe='')}")

    def create_checkout_session(self, *, key: str, **parameters: Any) -> dict[str, Any]:
        return self._ask("post", "/v1/checkout/sessions", idempotency_key=key, **parameters)

    def checkout_session(self, session_id: str) -> dict[str, Any]:
        return self._ask("get", f"/v1/checkout/sessions/{quote(session_id, safe='')}")

    def expire_checkout_session(self, session_id: str) -> None:
        """Refused unless it is open."""
        self._ask("post", f"/v1/checkout/sessions/{quote(session_id, safe='')}/expire")

    def create_portal_session(self, *, customer: str, return_url: str) -> dict[str, Any]:
        """Its page can be opened for some minutes."""
        return self._ask("post", "/v1/billing_portal/sessions", customer=customer, return_url=return_url)

    def _ask(self, method: str, path: str, **parameters: Any) -> dict[str, Any]:
        import stripe  # noqa: PLC0415

        try:
            answer = self._client.raw_request(method, path, **parameters).data
        except stripe.StripeError as error:
            refusal = translated(error, path)
        else:
            if isinstance(answer, dict) and (ref(answer) or "data" in answer):
                return answer
            logger.error("Stripe's answer to %s %s is not the documented one.", method.upper(), path)
            refusal = StripeUnavailable()
        raise refusal  # here, where no exception with a request in it is being handled


def translated(error: "stripe.StripeError", path: str) -> BillingError:
    """The refusal for the caller, and a line for staff: without the key, and without what a person entered."""
    status, headers = error.http_status or 0, error.headers or {}
    details = error.json_body.get("error") if isinstance(error.json_body, dict) else None
    said: Mapping[str, Any] = details if isinstance(details, dict) else {}
    is_refusal = 400 <= status < 500 and status not in (409, 429) and said.get("code") != "rate_limit"
    if not is_refusal:
        logger.warning("Stripe could not be asked (%s): %s", path, explained(error, status, said))
        return StripeUnavailable(retry_after(headers), is_final=status >= 500 and bool(said))
    if said.get("type") != "idempotency_error":
        logger.error("Stripe refused %s: %s", path, explained(error, status, said))
    return StripeRefused(
        status=status,
        missing=str(said.get("param") or "") if said.get("code") == "resource_missing" else "",
        is_other_request=said.get("type") == "idempotency_error",
    )


def explained(error: "stripe.StripeError", status: int, said: Mapping[str, Any]) -> str:
    """What Stripe said, unless it repeats what a person entered."""
    if not status:
        return redact(str(error.user_message or ""), [settings.STRIPE_SECRET_KEY])
    is_personal = str(said.get("param") or "") in SECRET_PARAMETERS or "@" in str(said.get("message"))
    message = "the message contains personal data and is omitted" if is_personal else str(said.get("message") or "")
    facts = (said.get("type"), said.get("code"), said.get("param"), f"request {error.request_id or 'unknown'}", message)
    return redact(f"{status} " + ", ".join(str(fact) for fact in facts if fact), [settings.STRIPE_SECRET_KEY])
