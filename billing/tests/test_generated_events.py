"""The made-up events have the fields that Stripe documents, in both generations."""

from typing import Any

import pytest

from billing import testing
from billing.testing.generations import API_VERSIONS
from billing.tests.support.stripe_events import GENERATIONS, all_payloads

UNLIKE = ("metadata", "previous_attributes")


def same_fields(ours: Any, documented: Any, path: str = "") -> list[str]:
    """Where the two differ in the names of their fields; of a list the first element counts."""
    if isinstance(ours, dict) and isinstance(documented, dict) and not path.endswith(UNLIKE):
        here = [f"{path}.{name}" for name in ours.keys() ^ documented.keys() if name not in UNLIKE]
        both = ours.keys() & documented.keys()
        return here + [found for name in both for found in same_fields(ours[name], documented[name], f"{path}.{name}")]
    if isinstance(ours, list) and isinstance(documented, list) and ours and documented:
        return same_fields(ours[0], documented[0], f"{path}[]")
    return []


@pytest.mark.parametrize("event", all_payloads(), ids=lambda event: f"{event['type']} {event['api_version']}")
def test_generated_event_has_the_documented_fields(db, event):
    generation = next(name for name in GENERATIONS if API_VERSIONS[name] == event["api_version"])
    *_, ours = testing.events(event["type"], "ada@example.com", generation=generation)
    assert same_fields(ours, event) == []


def test_every_handled_type_has_a_sample():
    assert list(testing.OBJECTS) == testing.types()
