"""A process is killed while it changes a subscription at Stripe: the next one finds out what happened, and finishes it.

The person pays one time, whatever happened.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from billing.tests.support.changes import bought, fill
from billing.tests.support.stripe_billing import StripeBilling
from billing.tests.support.stripe_standin import KEY
from tests.support.stack import ROOT
from tests.support.stripe_endpoint import StripeEndpoint

PREPARE = """
from django.conf import settings
from accounts.models import User
from billing.gateway.api import StripeApi
from billing.services import changes
from billing.services.changes_execution import retry_due
from billing.services.changes_steps import ask
from billing.services.changes_targets import Choice
from billing.tests.support.changes import ADD_ONS, PLANS
settings.BILLING_PLANS, settings.BILLING_ADD_ONS = PLANS, ADD_ONS
user = User.objects.get()
"""
SUBSCRIBE = """
from billing.models import Customer
Customer.objects.create(pk="{customer}", user=user, is_marked=True)
ask(StripeApi(), "{subscription}")
"""
CHANGE = """
choice = Choice(plan="{plan}")
changes.change(user=user, choice=choice, token=changes.preview(user=user, choice=choice).token_for(user))
"""
CANCEL = "changes.cancel(user=user)"
RETRY = "retry_due()"
LATER = "UPDATE billing_subscriptionchange SET due_at = '2000-01-01 00:00:00' WHERE due_at IS NOT NULL"
OUTCOMES = "SELECT status, refusal FROM billing_subscriptionchange"

pytestmark = pytest.mark.slow


@pytest.fixture
def stripe() -> Iterator[StripeBilling]:
    with StripeBilling() as stripe:
        fill(stripe)
        stripe.customers["cus_1"] = {"id": "cus_1", "object": "customer", "email": "ada@own.example"}
        yield stripe


def run(endpoint: StripeEndpoint, code: str, failpoint: str = "") -> int:
    """Run the code in a process of its own and return its exit status."""
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", PREPARE + code]
    environment = endpoint.environment | {"EMAIL_FAILPOINTS": failpoint}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


@pytest.mark.parametrize("failpoint", ["after-change-row", "before-change-call", "after-change-call"])
def test_killed_process_leaves_one_change(tmp_path, stripe, failpoint):
    subscription = stripe.subscribe("cus_1", [("price_team", 5)])
    with StripeEndpoint(tmp_path, f"sqlite:///{tmp_path}/stripe.sqlite3") as endpoint:
        endpoint.environment |= {"STRIPE_SECRET_KEY": KEY, "STRIPE_API_URL": stripe.url, "APP_URL": "https://a.example"}
        endpoint.prepare(with_user=True)
        names = {"customer": "cus_1", "subscription": subscription["id"]}
        assert run(endpoint, SUBSCRIBE.format(**names)) == os.EX_OK
        for code in (CHANGE.format(plan="pro"), CANCEL, "changes.resume(user=user)"):
            assert run(endpoint, code, f"{failpoint}:1") == -signal.SIGKILL
            assert run(endpoint, RETRY, f"{failpoint}:0.5") in (os.EX_OK, -signal.SIGKILL)
            for _ in range(2):
                with endpoint.connect() as connection:
                    connection.execute(LATER)
                assert run(endpoint, RETRY) == os.EX_OK
        assert endpoint.rows(OUTCOMES) == ["('done', '')"] * 3
    assert (subscription["cancel_at_period_end"], bought(subscription)) == (False, [("price_team", 5)])
    assert [schedule["status"] for schedule in stripe.schedules.values()] == ["released"]


@pytest.mark.parametrize("failpoint", ["after-change-row", "before-change-call", "after-change-call"])
def test_killed_process_charges_one_time(tmp_path, stripe, failpoint):
    subscription = stripe.subscribe("cus_1", [("price_pro", 1)])
    with StripeEndpoint(tmp_path, f"sqlite:///{tmp_path}/stripe.sqlite3") as endpoint:
        endpoint.environment |= {"STRIPE_SECRET_KEY": KEY, "STRIPE_API_URL": stripe.url, "APP_URL": "https://a.example"}
        endpoint.prepare(with_user=True)
        names = {"customer": "cus_1", "subscription": subscription["id"]}
        assert run(endpoint, SUBSCRIBE.format(**names)) == os.EX_OK
        assert run(endpoint, CHANGE.format(plan="team"), f"{failpoint}:1") == -signal.SIGKILL
        for _ in range(2):
            with endpoint.connect() as connection:
                connection.execute(LATER)
            assert run(endpoint, RETRY) == os.EX_OK
        assert endpoint.rows(OUTCOMES) == ["('done', '')"]
    assert (bought(subscription), len(stripe.invoices)) == ([("price_team", 2)], 1)
