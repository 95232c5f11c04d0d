"""Which styles and elements the important email programs drop: support.json, a copy of data from caniemail.com."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emails.lint.document import Element
from emails.lint.stylesheets import Declaration

TABLE: Mapping[str, Any] = json.loads(Path(__file__).with_name("support.json").read_text("utf-8"))
CLIENTS: list[str] = TABLE["clients"]
NO = "n"


@dataclass(frozen=True, slots=True)
class Feature:
    """One row of the table. A pattern that is empty matches everything, and a feature without any is only recorded."""

    name: str
    support: str  # one letter for each of CLIENTS
    property_name: str = ""
    value: str = ""
    element: str = ""
    attribute: str = ""
    at_rule: str = ""
    is_decoration: bool = False  # an email without it is as usable

    @property
    def dropped_by(self) -> list[str]:
        return [client for client, letter in zip(CLIENTS, self.support, strict=True) if letter == NO]

    def matches(self, declaration: Declaration) -> bool:
        if not (self.property_name or self.value):
            return False
        return bool(
            re.fullmatch(self.property_name or ".*", declaration.name)
            and re.search(self.value, declaration.value, re.IGNORECASE)
        )

    def applies_to(self, element: Element) -> str:
        """Return how the element uses this feature, or an empty string."""
        if self.element and re.fullmatch(self.element, element.tag):
            return f"<{element.tag}>"
        return f"the attribute {self.attribute}" if self.attribute and self.attribute in element.attributes else ""


def feature_of(row: Mapping[str, Any]) -> Feature:
    return Feature(
        row["feature"],
        row["support"],
        property_name=row.get("property", ""),
        value=row.get("value", ""),
        element=row.get("element", ""),
        attribute=row.get("attribute", ""),
        at_rule=row.get("at_rule", ""),
        is_decoration=row.get("decoration", False),
    )


FEATURES = [feature_of(row) for row in TABLE["features"]]
DROPPED = [feature for feature in FEATURES if NO in feature.support and not feature.is_decoration]
ELEMENTS = [feature for feature in DROPPED if feature.element or feature.attribute]


def dropped_by(feature: Feature) -> str:
    """Return the beginning of a sentence: Gmail on iOS and 2 others drop"""
    first, *others = feature.dropped_by
    if not others:
        return f"{first} drops"
    return f"{first} and {len(others)} other{'s' * (len(others) > 1)} drop"
