"""The settings of a test's site that sells the plans of billing's tests."""

from billing.tests.support.plans import ADD_ONS, PLANS
from tests.support.site_settings import *  # noqa: F403

BILLING_PLANS, BILLING_ADD_ONS = PLANS, ADD_ONS
