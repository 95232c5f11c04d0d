"""README and docs/billing.md list exactly the events that are handled, and the table says what they really do.

Each row is played: the event must change what the row says, and cause the email that it names, with the key that it
names. What a row's words mean is in event_table/.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from billing.models import Card, Checkout, Customer, InvoicePayment, Payment, Subscription
from billing.testing import types
from billing.testing.stories.performance import Performance, perform
from billing.tests.event_table import STORIES, Row, all_rows
from billing.tests.support.story_plans import TWO_PLANS
from billing.tests.support.stripe_events import GENERATIONS, post, post_all
from billing.webhook.handlers import HANDLERS
from emails.models import OutboundEmail

ROOT = Path(__file__).resolve().parent.parent.parent
TWINS = {"invoice.payment_succeeded", "charge.refunded"}  # these only repeat invoice.paid and refund.created
ROW = re.compile(r"^\| `([a-z_]+\.[a-z_.]+)` \|(.*?)\|(.*?)\|$", re.MULTILINE)
KEY = re.compile(r"`([a-z_]+:[^`]+)`")
FIELDS = {
    "subscription": (
        "status",
        "plan_name",
        "recurring_amount",
        "amount",
        "quantity",
        "gives_access",
        "cancel_at",
        "is_collection_paused",
    ),
    "payment": (
        "status",
        "amount",
        "attempt",
        "next_attempt_at",
        "amount_refunded",
        "dispute_status",
        "is_disputed",
        "has_fraud_warning",
    ),
    "customer": ("email",),
}
ROWS = all_rows()


def documented() -> dict[str, tuple[str, str]]:
    """Return the effect and the email of each row, in full where the table says "the same"."""
    found: dict[str, tuple[str, str]] = {}
    previous = ("", "")
    for event, *cells in ROW.findall((ROOT / "docs/billing.md").read_text()):
        previous = found[event] = (
            in_full(cells[0].strip(), previous[0], found, 0),
            in_full(cells[1].strip(), previous[1], found, 1),
        )
    return found


def in_full(cell: str, above: str, rows: Mapping[str, tuple[str, str]], column: int) -> str:
    """Return the cell, followed by what it calls the same: a row that it names, or the one above."""
    if "the same" not in cell:
        return cell
    named = re.match(r"the same as `([a-z_.]+)`", cell)
    return f"{cell} {rows[named[1]][column] if named else above}"


def facts(played: Performance) -> dict[str, Any]:
    """Return what is stored and shown about the story, by the names that event_table/ uses."""
    ids = list(played.ids.values())
    objects: dict[str, Any] = {
        "subscription": Subscription.objects.filter(pk__in=ids).first(),
        "payment": Payment.objects.filter(stripe_id__in=ids).with_refunds().order_by("-created_at", "-pk").first(),
        "customer": Customer.objects.first(),
    }
    shown = {
        f"{name}.{field}": getattr(objects[name], field, None) for name, fields in FIELDS.items() for field in fields
    }
    customer = objects["customer"]
    shown["customer.is_deleted"] = bool(customer and customer.deleted_at)
    return shown | {
        "linked": InvoicePayment.objects.count(),
        "checkouts": Checkout.objects.filter(closed_at=None).count(),
        "cards": [card.last4 for card in Card.objects.filter(is_detached=False)],
    }


def play_until(event_type: str, row: Row, generation: str) -> tuple[Performance, Any]:
    """Post the story's events before the row's, and return the story and the event."""
    played = perform(STORIES[row.story], "ada@own.example", generation)
    if row.prepare:
        row.prepare(played)
    numbers = [number for number, event in enumerate(played.events) if event["type"] == event_type]
    number = numbers[row.nth - 1]
    post_all(played.events[:number])
    return played, played.events[number]


def pattern(key: str) -> str:
    """Return a regular expression for keys such as ``receipt:<in_…>`` and ``trial:<sub_…>:<end>``."""
    cards = key.replace("<pm_…>", r"(?:pm|card)_\w+")
    ids = re.sub(r"<(\w+_)…>", r"\1\\w+", cards)
    return re.sub(r"<[^>]+>", "[^:]+", ids)


def test_readme_lists_the_events_to_select():
    readme = (ROOT / "README.md").read_text()
    (block,) = re.findall(r"select exactly these events:\n\n\s*```text\n(.*?)```", readme, re.DOTALL)
    assert block.split() == [name for name in HANDLERS if name not in TWINS]


def test_documentation_describes_every_event():
    assert list(documented()) == list(HANDLERS)
    assert set(ROWS) == set(HANDLERS)


@pytest.mark.parametrize("name", ROWS)
def test_row_says_what_is_checked(name):
    effect, email = documented()[name]
    assert ROWS[name].says in effect
    assert set(KEY.findall(email)) == set(ROWS[name].emails.values())
    assert all(re.search(rf"\b{kind}\b", KEY.sub("", email)) for kind in ROWS[name].emails), email


@pytest.mark.parametrize(
    ("name", "generation"), [(name, generation) for generation in GENERATIONS for name in types(generation)]
)
def test_event_does_what_its_row_says(ada, settings, caplog, name, generation):
    settings.BILLING_PLANS, settings.BILLING_ALERT_EMAILS = TWO_PLANS, ["staff@example.com"]
    row = ROWS[name]
    played, event = play_until(name, row, generation)
    before, known = facts(played), set(OutboundEmail.objects.values_list("pk", flat=True))
    caplog.clear()
    assert post(event).status_code == 200
    after = facts(played)
    assert {fact: after[fact] for fact in (*row.after, *row.stays)} == {**row.after, **row.stays}
    assert not [fact for fact in row.after if before[fact] == after[fact]]
    emails = OutboundEmail.objects.exclude(pk__in=known)
    assert [email.kind for email in emails] == list(row.emails)
    for email in emails:
        assert re.fullmatch(pattern(row.emails[email.kind]), email.idempotency_key or "")
        assert (email.recipients == ada.email) != row.to_staff
    levels = [record.levelname for record in caplog.records if record.name.startswith("billing.services")]
    assert not row.logs or row.logs in levels
