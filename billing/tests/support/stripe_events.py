"""Stripe events for tests: documented payloads in both generations, signed and posted as Stripe does."""

import copy
import json
import time
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from django.test import Client

from billing.webhook.signatures import sign

PAYLOADS = Path(__file__).parent.parent / "payloads"
GENERATIONS = ("old", "new")
SECRET = "whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH"

Event = dict[str, Any]
numbers = count(1)


def payload(name: str, generation: str = "new") -> Event:
    """Read a file in payloads/ by its name without the extension."""
    event: Event = json.loads((PAYLOADS / generation / f"{name}.json").read_bytes())
    return marked(event)


def all_payloads(*, thin: bool = False) -> list[Event]:
    """Every documented event of both generations, with thin events only on request."""
    files = [file for generation in GENERATIONS for file in sorted((PAYLOADS / generation).glob("*.json"))]
    return [marked(json.loads(file.read_bytes())) for file in files if thin or "thin" not in file.name]


def marked(event: Event, installation: str | None = "app.example.com") -> Event:
    """Put an installation's mark into every metadata with a value, as its checkout would have; None removes it."""

    def mark(value: Any) -> None:
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            mark(item)
        if isinstance(value, dict) and value.get("metadata"):
            value["metadata"] = {**value["metadata"], "installation": installation}
            if installation is None:
                del value["metadata"]["installation"]

    mark(event)
    return event


def changed(event: Event, event_type: str = "", **values: Any) -> Event:
    """A new event about the same object, with ``values`` in place of some of its fields."""
    copied = copy.deepcopy(event)
    copied["id"] = f"evt_changed{next(numbers)}"
    copied["type"] = event_type or event["type"]
    copied["created"] = values.pop("created", event["created"])
    copied["data"]["object"] |= values
    return copied


def post(event: Event | bytes, client: Client | None = None, path: str = "/stripe/webhook") -> Any:
    """Sign an event now and post it as Stripe does; an exception in the view becomes a 500."""
    body = event if isinstance(event, bytes) else json.dumps(event, indent=2).encode()
    signature = {"Stripe-Signature": sign(body, SECRET, at=time.time())}
    return (client or Client(raise_request_exception=False)).post(
        path, body, content_type="application/json; charset=utf-8", headers=signature
    )


def post_all(events: Iterable[Event]) -> list[int]:
    """Post the events in order and return the status codes."""
    return [post(event).status_code for event in events]


def rows_by_key(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {row["idempotency_key"]: row["kind"] for row in rows}
