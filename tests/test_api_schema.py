"""What the schema promises, the API keeps: Schemathesis makes up requests, good and bad, and reads every answer."""

import pytest
import schemathesis
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from knox.models import AuthToken
from schemathesis.checks import CHECKS

from accounts.models import User
from myproject.wsgi import application

EXAMPLES = 25  # of each operation, with a token and without
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
    """The connection stays open over requests, as Django's own test client has it: the test is one transaction."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


quickly = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[*HealthCheck],
)


@pytest.fixture(autouse=True)
def payments(stripe) -> None:
    """Are set up: without, the right answer is a 503."""


@schema.parametrize()
@quickly
def test_responses_to_a_visitor_match_the_schema(case, database):
    keep_promises(case)


@schema.parametrize()
@quickly
def test_responses_to_a_user_match_the_schema(case, database):
    user, _ = User.objects.get_or_create(email="ada@example.com")
    keep_promises(case, Authorization=f"Token {AuthToken.objects.create(user=user)[1]}")


def keep_promises(case, **headers):
    cache.clear()
    case.call_and_validate(headers=headers, checks=CHECKS.get_by_names(PROMISES))
