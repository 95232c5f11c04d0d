"""Generated events have the fields that Stripe documents, in both generations."""

from typing import Any

import pytest

from billing import testing
from billing.testing.generations import API_VERSIONS
from billing.tests.support.stripe_events import GENERATIONS, all_payloads

FREE_FORM = ("metadata", "previous_attributes")


def field_differences(ours: Any, documented: Any, path: str = "") -> list[str]:
    """The paths of fields that only one of the two has; of each list, only the first element is compared."""
    if isinstance(ours, dict) and isinstance(documented, dict) and not path.endswith(FREE_FORM):
        differences = [f"{path}.{name}" for name in ours.keys() ^ documented.keys() if name not in FREE_FORM]
        shared = ours.keys() & documented.keys()
        return differences + [
            difference
            for name in shared
            for difference in field_differences(ours[name], documented[name], f"{path}.{name}")
        ]
    if isinstance(ours, list) and isinstance(documented, list) and ours and documented:
        return field_differences(ours[0], documented[0], f"{path}[]")
    return []


@pytest.mark.parametrize("event", all_payloads(), ids=lambda event: f"{event['type']} {event['api_version']}")
def test_generated_event_has_the_documented_fields(db, event):
    generation = next(name for name in GENERATIONS if API_VERSIONS[name] == event["api_version"])
    *_, ours = testing.events(event["type"], "ada@example.com", generation=generation)
    assert field_differences(ours, event) == []


def test_every_handled_type_has_a_sample():
    assert list(testing.OBJECTS) == testing.types()
