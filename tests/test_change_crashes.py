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
from billing.services.changes import requests as changes
from billing.services.changes.execution import retry_due
from billing.services.changes.steps import ask
from billing.services.changes.targets import Choice
from billing.tests.support.plans import ADD_ONS, PLANS
settings.BILLING_PLANS, settings.BILLING_ADD_ONS = PLANS, ADD_ONS
user = User.objects.get()
"""
# The first process stores the subscription, and dies during the change.
SUBSCRIBE = """
from billing.models import Customer
Customer.objects.get_or_create(pk="cus_1", user=user, is_marked=True)
ask(StripeApi(), "{subscription}")
"""
CHANGE = """
choice = Choice(plan="{plan}")
changes.change(user=user, choice=choice, token=changes.preview(user=user, choice=choice).token_for(user))
"""
ACTIONS = [CHANGE.format(plan="pro"), "changes.cancel(user=user)", "changes.resume(user=user)"]
RETRY = """
from django.utils import timezone
from billing.models import SubscriptionChange
for _ in range(2):
    SubscriptionChange.objects.pending().update(due_at=timezone.now())
    retry_due()
"""
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


@pytest.fixture
def endpoint(tmp_path, stripe) -> Iterator[StripeEndpoint]:
    with StripeEndpoint(tmp_path, f"sqlite:///{tmp_path}/stripe.sqlite3") as endpoint:
        endpoint.environment |= {"STRIPE_SECRET_KEY": KEY, "STRIPE_API_URL": stripe.url, "APP_URL": "https://a.example"}
        yield endpoint.prepare(with_user=True)


@pytest.mark.parametrize("failpoint", ["after-change-row", "before-change-call", "after-change-call"])
def test_killed_process_charges_one_time(endpoint, stripe, failpoint):
    subscription = stripe.subscribe("cus_1", [("price_pro", 1)])
    code = SUBSCRIBE.format(subscription=subscription["id"]) + CHANGE.format(plan="team")
    assert run(endpoint, code, f"{failpoint}:1") == -signal.SIGKILL
    assert run(endpoint, RETRY) == os.EX_OK
    assert endpoint.rows(OUTCOMES) == ["('done', '')"]
    assert (bought(subscription), len(stripe.issued)) == ([("price_team", 2)], 1)


def test_killed_process_leaves_one_change(endpoint, stripe):
    """The plan that was scheduled is canceled, and then kept, by processes that each die after their first call."""
    subscription = stripe.subscribe("cus_1", [("price_team", 5)])
    for code in ACTIONS:
        code = SUBSCRIBE.format(subscription=subscription["id"]) + code
        assert run(endpoint, code, "after-change-call:1") == -signal.SIGKILL
        assert run(endpoint, RETRY) == os.EX_OK
    assert endpoint.rows(OUTCOMES) == ["('done', '')"] * 3
    assert (subscription["cancel_at_period_end"], bought(subscription)) == (False, [("price_team", 5)])
    assert [schedule["status"] for schedule in stripe.schedules.values()] == ["released"]
