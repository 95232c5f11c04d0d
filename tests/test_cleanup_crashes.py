"""A worker is killed while it cleans up at Stripe after a deletion: the next one finishes what is left."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from billing.tests.support.stripe_standin import KEY, StripeStandIn
from tests.support.stack import ROOT
from tests.support.stripe_endpoint import StripeEndpoint

BUY_AND_DELETE = """
from django.contrib.auth import get_user_model
from django.conf import settings
from billing.services.checkouts import start_checkout
settings.BILLING_PLANS[1]["prices"][0]["id"] = "price_team"  # the stand-in knows this one
user = get_user_model().objects.get()
start_checkout(user=user, plan="pro")
user.delete()
"""
CLEAN_UP = "from billing.services.cleanup import clean_up; clean_up()"
LATER = "UPDATE billing_cleanuprequest SET due_at = '2000-01-01 00:00:00' WHERE due_at IS NOT NULL"

pytestmark = pytest.mark.slow


@pytest.fixture
def stripe() -> Iterator[StripeStandIn]:
    with StripeStandIn() as stripe:
        yield stripe


def clean_up(endpoint: StripeEndpoint, failpoint: str = "") -> int:
    """Run the task in a process of its own and return its exit status."""
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", CLEAN_UP]
    return subprocess.run(
        command, cwd=ROOT, env=endpoint.environment | {"EMAIL_FAILPOINTS": failpoint}, check=False
    ).returncode


@pytest.mark.parametrize("failpoint", ["before-cleanup-call", "after-cleanup-call"])
def test_killed_worker_leaves_the_rest_to_the_next_one(tmp_path, stripe, failpoint):
    with StripeEndpoint(tmp_path, f"sqlite:///{tmp_path}/stripe.sqlite3") as endpoint:
        endpoint.environment |= {"STRIPE_SECRET_KEY": KEY, "STRIPE_API_URL": stripe.url, "APP_URL": "https://a.example"}
        endpoint.prepare(with_user=True)
        endpoint.manage("shell", "-v", "0", "-c", BUY_AND_DELETE)
        assert [row["status"] for row in stripe.sessions.values()] == ["open"]
        assert clean_up(endpoint, f"{failpoint}:1") == -signal.SIGKILL
        for _ in range(3):
            with endpoint.connect() as connection:
                connection.execute(LATER)
            assert clean_up(endpoint) == os.EX_OK
        assert [row["status"] for row in stripe.sessions.values()] == ["expired"]
        assert [row.get("deleted") for row in stripe.customers.values()] == [True]
        assert endpoint.rows("SELECT COUNT(*) FROM billing_cleanuprequest WHERE due_at IS NOT NULL") == ["(0,)"]
