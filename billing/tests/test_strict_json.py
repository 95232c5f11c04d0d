"""A signed body that isn't JSON by the standard is refused with 400, and an event stored earlier breaks nothing."""

import json

import pytest

from billing.models import StripeEvent
from billing.tests.support.stripe_events import payload, post
from billing.webhook.backlog import sweep
from common.db import database_now

BODY = json.dumps(payload("invoice_paid_first"))
VALUE = '"amount_due": 2900'


def nested(depth: int) -> str:
    return BODY.replace(VALUE, f'"amount_due": {"[" * depth}{"]" * depth}')


@pytest.mark.parametrize(
    "body",
    [
        *(
            BODY.replace(VALUE, f'"amount_due": {constant}')
            for constant in ("NaN", "Infinity", "-Infinity", "9" * 5000)
        ),
        BODY.replace(VALUE, f'{VALUE}, "amount_due": 1'),
        BODY.replace('"livemode": true', '"livemode": true, "livemode": false'),
        *map(nested, (80, 400, 900, 5000, 100_000)),
        "\ufeff" + BODY,
        BODY + "x",
        "[" + BODY + "]",
    ],
    ids=lambda body: f"{len(body)} characters",
)
def test_body_outside_the_standard_is_refused(db, body):
    assert post(body.encode()).status_code == 400
    assert not StripeEvent.objects.exists()


def test_body_as_deep_as_no_event_is_accepted(ada, admin_client):
    assert post(nested(50).encode()).status_code == 200
    event = StripeEvent.objects.get()
    assert (event.status, admin_client.get(f"/admin/billing/stripeevent/{event.pk}/change/").status_code) == (
        "processed",
        200,
    )


def test_stored_event_that_is_refused_now_is_settled(db):
    post(BODY.encode())
    body = BODY.replace(VALUE, '"amount_due": NaN')
    StripeEvent.objects.update(body=body, status="failed", due_at=database_now())
    sweep()
    event = StripeEvent.objects.get()
    assert (event.status, event.due_at, event.note) == ("processed", None, "The body is not JSON.")
