"""Attributes of contacts at providers that know only declared fields. This module declares the ones that are missing.

Looking the fields up takes a call for each change with attributes. A cache would save it, but after a field is deleted
at the provider, changes would fail.
"""

import json
import logging
import re
from abc import abstractmethod
from collections.abc import Generator, Mapping
from functools import cache
from typing import Any, ClassVar, NamedTuple

from common.http.pool import Response
from emails.backends.base import Request
from emails.backends.client import json_body
from emails.backends.contacts.client import REFUSED, Change, ContactsClient, route_of

logger = logging.getLogger(__name__)

TEXT, NUMBER = "text", "number"

Values = dict[str, Any]


class Field(NamedTuple):
    """A declared field. ``kind`` is TEXT, NUMBER, or the provider's name of another type."""

    key: str
    kind: str


class DeclaredFieldsClient(ContactsClient):
    """Finds or declares the field of each attribute, and converts its value to the field's type."""

    field_name: ClassVar[re.Pattern[str]]
    """The names that the provider accepts."""

    @abstractmethod
    def list_fields(self, after: str = "") -> Request:
        """Return the call that lists the declared fields: the first page, or the one after ``after``."""

    @abstractmethod
    def read_fields(self, data: Mapping[str, Any]) -> tuple[dict[str, Field], str]:
        """Return the fields on a page by their names, and where the next page begins. Empty after the last page."""

    @abstractmethod
    def declare_field(self, name: str, kind: str) -> Request:
        """Return the call that declares a field of type TEXT or NUMBER."""

    def field_key(self, name: str, field_id: str) -> str:
        """Return the key of a field from its name and the ID that the provider gave it."""
        return name

    def values_of(self, change: Change) -> Generator[Request, None, Values]:
        """Yield the calls that prepare the fields, and return the values of the change's attributes by field key.

        An attribute that can't be a field is left out, and a line in the log says so once.
        """
        attributes: Mapping[str, Any] = change.content.get("attributes", {})
        if not attributes:
            return {}
        fields = yield from self.declared_fields(change)
        if fields is None:
            return self.values_of_unknown_fields(attributes)
        for name, value in attributes.items():
            if name.lower() not in fields and self.field_name.fullmatch(name):
                kind = NUMBER if is_number(value) else TEXT
                declaration = self.declare_field(name, kind)
                yield declaration
                if (found := change.finding(declaration)) != REFUSED:
                    fields[name.lower()] = Field(self.field_key(name, found["id"]), kind)
        return self.converted(attributes, fields)

    def values_of_unknown_fields(self, attributes: Mapping[str, Any]) -> Values:
        """Return the values by field key if the fields can't be listed."""
        return self.converted(attributes, {})

    def declared_fields(self, change: Change) -> Generator[Request, None, dict[str, Field] | None]:
        """Yield the calls that list the fields, and return them by their names in lowercase. None if it is refused."""
        fields: dict[str, Field] = {}
        after = None
        while after != "":
            page = self.list_fields(after or "")
            yield page
            found = change.finding(page)
            if found == REFUSED:
                return None
            # Stored as JSON, which has no named tuples.
            fields |= {name.lower(): Field(*field) for name, field in found["fields"].items()}
            after = found["after"]
        return fields

    def converted(self, attributes: Mapping[str, Any], fields: Mapping[str, Field]) -> Values:
        values: Values = {}
        for name, value in attributes.items():
            field = fields.get(name.lower(), Field("", ""))
            if field.kind == TEXT:
                values[field.key] = text_of(value)
            elif field.kind == NUMBER and (value is None or is_number(value)):
                values[field.key] = value
            else:
                log_left_out(self.provider, name)
        return values

    def may_go_on(self, request: Request, status: int) -> bool:
        return (self.is_list(request) and status in (403, 404)) or (
            self.is_declaration(request) and status in (400, 409, 422)
        )

    def finding(self, request: Request, response: Response) -> Any:
        if not (self.is_list(request) or self.is_declaration(request)):
            return super().finding(request, response)
        if response.status >= 300:
            return REFUSED
        data = json_body(response) or {}
        if self.is_declaration(request):
            return {"id": str(data.get("id", ""))}
        fields, after = self.read_fields(data)
        return {"fields": fields, "after": after}

    def findings(self, request: Request, response: Response) -> dict[str, Any]:
        findings = super().findings(request, response)
        if self.is_declaration(request) and response.status >= 300:
            # Another worker may have declared it at the same time, so the list is read once more.
            findings[route_of(self.list_fields())] = None
        return findings

    def is_list(self, request: Request) -> bool:
        return request.endpoint.partition("?")[0] == self.list_fields().endpoint.partition("?")[0]

    def is_declaration(self, request: Request) -> bool:
        return request.endpoint == self.declare_field("name", TEXT).endpoint


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def text_of(value: Any) -> str | None:
    """Return the value as text: true and false in lowercase, and lists and objects as JSON. None stays None."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@cache
def log_left_out(provider: str, name: str) -> None:
    logger.warning("%s has no field that fits the attribute %r of contacts, so it is left out.", provider, name)
