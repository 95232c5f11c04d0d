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
        """Return body, status, and headers. Raises ``APIConnectionError`` if the response is missing or incomplete."""
        seconds = min(settings.STRIPE_CALL_SECONDS, self._ends_at - time.monotonic())
        if seconds <= 0:
            raise connection_error("no time was left", should_retry=False)
        path = url.removeprefix(settings.STRIPE_API_URL)
        body = (post_data or "").encode()
        pool = pool_for(settings.STRIPE_API_URL)
        response = pool.send(method.upper(), path, body, headers or {}, timedelta(seconds=seconds))
        if isinstance(response, NoResponse):
            raise connection_error(response.reason)
        if response.body is None:
            raise connection_error("the response was cut off")
        return response.body, response.status, response.headers

    def close(self) -> None:
        """Do nothing: the pool belongs to the process."""


def connection_error(reason: str, *, should_retry: bool = True) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(reason, should_retry=should_retry)  # type: ignore[no-untyped-call]


def connect(timeout: timedelta, retries: int = RETRIES) -> stripe.StripeClient:
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        base_addresses={"api": settings.STRIPE_API_URL},
        max_network_retries=retries,
        http_client=PooledClient(timeout),
    )
