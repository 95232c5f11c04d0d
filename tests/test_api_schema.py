"""The API keeps what its schema promises: Schemathesis sends valid and invalid requests and checks the responses."""

import pytest
import schemathesis
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from knox.models import AuthToken
from schemathesis.checks import CHECKS

from accounts.models import User
from myproject.wsgi import application

EXAMPLES = 25  # per operation, with and without a token
PROMISES = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]


schema = schemathesis.openapi.from_wsgi("/api/schema/", application)


@pytest.fixture
def database(db):
    """Keep the connection open between requests, as Django's test client does, so that the test is one transaction."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


few_examples = hypothesis_settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[*HealthCheck],
)


@pytest.fixture(autouse=True)
def configured_payments(stripe_api) -> None:
    """Without a Stripe key, the documented response would be a 503."""


@schema.parametrize()
@few_examples
def test_responses_to_a_visitor_match_the_schema(case, database):
    keep_promises(case)


@schema.parametrize()
@few_examples
def test_responses_to_a_user_match_the_schema(case, database):
    user, _ = User.objects.get_or_create(email="ada@example.com")
    keep_promises(case, Authorization=f"Token {AuthToken.objects.create(user=user)[1]}")


def keep_promises(case, **headers):
    cache.clear()
    case.call_and_validate(headers=headers, checks=CHECKS.get_by_names(PROMISES))
