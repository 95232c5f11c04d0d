"""Stripe's own package over our pooled connections. It weighs 30 MB and the webhook needs none of it: import this
module where the API is called, not before.
"""

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import stripe
from django.conf import settings

from common.http.pool import NoResponse, pool_for

RETRIES = 2  # with the same Idempotency-Key; also what a twin request needs to wait for the first

stripe.enable_telemetry = False  # it reports times and an id of this machine, and writes the id into the home folder


class PooledClient(stripe.HTTPClient):
    """All calls and repeats of one operation, within one deadline."""

    name = "pooled"

    def __init__(self, patience: timedelta) -> None:
        super().__init__()
        self._ends_at = time.monotonic() + patience.total_seconds()

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[Any, int, Mapping[str, str]]:
        deadline = min(settings.STRIPE_CALL_SECONDS, self._ends_at - time.monotonic())
        if deadline <= 0:
            raise no_answer("no time was left", can_be_repeated=False)
        path = url.removeprefix(settings.STRIPE_API_URL)
        body = (post_data or "").encode()
        pool = pool_for(settings.STRIPE_API_URL)
        answer = pool.send(method.upper(), path, body, headers or {}, timedelta(seconds=deadline))
        if isinstance(answer, NoResponse):
            raise no_answer(answer.reason)
        if answer.body is None:
            raise no_answer("the response was cut off")
        return answer.body, answer.status, answer.headers

    def close(self) -> None:
        """Nothing: the pool is the process's."""


def no_answer(reason: str, *, can_be_repeated: bool = True) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(reason, should_retry=can_be_repeated)  # type: ignore[no-untyped-call]


def connect(patience: timedelta, retries: int = RETRIES) -> stripe.StripeClient:
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        base_addresses={"api": settings.STRIPE_API_URL},
        max_network_retries=retries,
        http_client=PooledClient(patience),
    )
