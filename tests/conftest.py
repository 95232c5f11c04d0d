"""Fixtures for the tests of the whole system: real processes, PostgreSQL, Redis, a browser, and stand-in APIs."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from billing.tests.support.stripe_standin import KEY, PRICES, StripeStandIn
from emails.tests.support.standin import StandIn
from tests.support.site import Site, chromium
from tests.support.stack import RedisServer, Stack, postgres_answers, redis_is_installed, temporary_database


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory) -> Iterator[str]:
    """Provide the name of a PostgreSQL database with every migration applied. Each test works on a copy of it."""
    if not postgres_answers():
        pytest.skip("needs PostgreSQL on 127.0.0.1:5432 (user postgres) or TEST_POSTGRES_URL")
    with temporary_database() as name:
        environment = {"EMAIL_PROVIDER": "resend", "RESEND_API_KEY": "re_test", "REDIS_URL": "redis://127.0.0.1:1/0"}
        Stack(tmp_path_factory.mktemp("migrate"), name, environment).manage("migrate", "-v", "0")
        yield name


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """Provide a Redis server of its own, which the test may stop and start."""
    if not redis_is_installed():
        pytest.skip("needs redis-server on the PATH")
    server = RedisServer().start()
    yield server
    server.stop()


@pytest.fixture
def provider_api() -> Iterator[StandIn]:
    """Provide an HTTP server on 127.0.0.1 that responds as the email providers' APIs do."""
    with StandIn() as server:
        yield server


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Iterator[Site]:
    """Provide the site under production settings in a process of its own. All tests share it."""
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield site


# While Playwright runs, its event loop makes Django believe that the thread is asynchronous, and Django then refuses to
# use the database. The browser must therefore not stay open for the whole session.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Provide headless Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def make_stack(tmp_path: Path, migrated_database: str, provider_api: StandIn) -> Iterator[Callable[..., Stack]]:
    """Provide a function that builds a ``Stack``: the project's processes with a database of their own.

    ``make_stack("sendgrid", NAME="value")`` sends email through SendGrid at ``provider_api`` and sets an environment
    variable. After the test, the fixture stops the processes and removes the database.
    """
    with ExitStack() as cleanup:

        def make(provider: str = "resend", **environment: str) -> Stack:
            database = cleanup.enter_context(temporary_database(migrated_database))
            settings = {
                "EMAIL_PROVIDER": provider,
                f"{provider.upper()}_API_KEY": f"key-of-{provider}",
                f"{provider.upper()}_API_URL": provider_api.url(provider),
                **environment,
            }
            return cleanup.enter_context(Stack(tmp_path, database, settings))

        yield make


@pytest.fixture
def stripe_api(settings) -> Iterator[StripeStandIn]:
    """Provide an HTTP server on 127.0.0.1 that responds as Stripe's API does and has a price for each plan."""
    names = {"slug": "pro", "name": "Pro"}, {"slug": "team", "name": "Team"}
    details = {"amount": 2900, "currency": "usd", "interval": "month"}
    settings.BILLING_PLANS = [
        {**plan, **details, "price_id": price} for plan, price in zip(names, sorted(PRICES), strict=True)
    ]
    with StripeStandIn() as standin:
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_URL = KEY, standin.url
        yield standin
