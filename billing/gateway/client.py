"""Stripe's own package on top of our pooled connections.

Importing it takes 30 MB, and the webhook doesn't need it: import this module only where the API is called.
"""

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import stripe
from django.conf import settings

from common.http.pool import NoResponse, pool_for

RETRIES = 2  # with the same Idempotency-Key; a second click also needs them to wait for the first one's response

stripe.enable_telemetry = False  # telemetry sends timings and a machine id, which it stores in the home folder


class PooledClient(stripe.HTTPClient):
    """Gives all calls and retries of one operation a common deadline."""

    name = "pooled"

    def __init__(self, timeout: timedelta) -> None:
        super().__init__()
        self._ends_at = time.monotonic() + timeout.total_seconds()

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[Any, int, Mapping[str, str]]:
        """Return the body, the status, and the headers. Raises ``APIConnectionError`` if there is no whole response."""
        seconds = min(settings.STRIPE_CALL_SECONDS, self._ends_at - time.monotonic())
        if seconds <= 0:
            raise no_answer("no time was left", should_retry=False)
        path = url.removeprefix(settings.STRIPE_API_URL)
        body = (post_data or "").encode()
        pool = pool_for(settings.STRIPE_API_URL)
        answer = pool.send(method.upper(), path, body, headers or {}, timedelta(seconds=seconds))
        if isinstance(answer, NoResponse):
            raise no_answer(answer.reason)
        if answer.body is None:
            raise no_answer("the response was cut off")
        return answer.body, answer.status, answer.headers

    def close(self) -> None:
        """Do nothing: the pool belongs to the process."""


def no_answer(reason: str, *, should_retry: bool = True) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(reason, should_retry=should_retry)  # type: ignore[no-untyped-call]


def connect(timeout: timedelta, retries: int = RETRIES) -> stripe.StripeClient:
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        base_addresses={"api": settings.STRIPE_API_URL},
        max_network_retries=retries,
        http_client=PooledClient(timeout),
    )
