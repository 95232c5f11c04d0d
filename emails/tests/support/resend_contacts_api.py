"""Resend's contacts API in the stand-in: as strict as the documentation, and it records every request."""

import uuid
from typing import Any
from urllib.parse import parse_qs, unquote

from emails.tests.support.provider_rules import Reply, RequestRefused, require

PATHS = ("/resend/contacts", "/resend/contact-properties", "/resend/events/")
PROFILE = {"first_name", "last_name", "unsubscribed", "properties"}
TYPES = {"string": str, "number": int | float}


class ResendContactsApi:
    """``contacts`` are keyed by address, ``properties`` are the declared ones, ``segments`` hold addresses."""

    def __init__(self) -> None:
        self.contacts: dict[str, dict[str, Any]] = {}
        self.properties: dict[str, str] = {}
        self.segments: dict[str, set[str]] = {"segment_1": set()}
        self.events: list[tuple[str, str, Any]] = []
        self.requests: list[tuple[str, str, Any]] = []

    def unsubscribe(self, address: str) -> None:
        """Unsubscribe the contact as a click in an email does."""
        self.contacts[address]["unsubscribed"] = True

    def state_of(self, address: str) -> dict[str, Any] | None:
        contact = self.contacts.get(address)
        if contact is None:
            return None
        return {
            "is_subscribed": not contact["unsubscribed"],
            "first_name": contact["first_name"],
            "attributes": contact["properties"],
        }

    def process(self, method: str, path: str, payload: dict[str, Any]) -> Reply:
        route, _, query = path.removeprefix("/resend").partition("?")
        self.requests.append((method, route, payload))
        match (method, *map(unquote, route.strip("/").split("/"))):
            case ("POST", "contacts"):
                return self.create(payload)
            case ("GET" | "PATCH" | "DELETE", "contacts", address):
                return self.change(method, address, payload)
            case ("POST", "contacts", address, "segments", segment):
                require(segment in self.segments, "Audience not found", 404)
                self.segments[segment].add(self.find(address)["email"])
                return Reply(200, {"object": "contact_segment", "segment_id": segment})
            case ("GET", "contact-properties"):
                return self.page(parse_qs(query))
            case ("POST", "contact-properties"):
                return self.declare(payload)
            case ("POST", "events", "send"):
                require(payload.keys() == {"event", "email", "payload"}, "bad event")
                self.events.append((payload["event"], payload["email"], payload["payload"]))
                return Reply(202, {"object": "event", "event": payload["event"]})
        raise RequestRefused("no such route", 404)

    def find(self, address: str) -> dict[str, Any]:
        require(address in self.contacts, "Contact not found", 404)
        return self.contacts[address]

    def create(self, payload: dict[str, Any]) -> Reply:
        require("@" in payload.get("email", ""), "missing_required_field")
        self.check(payload, PROFILE | {"email"})
        new = {"id": str(uuid.uuid4()), "first_name": "", "last_name": "", "unsubscribed": False, "properties": {}}
        contact = self.contacts.setdefault(payload["email"], {**new, **payload})
        return Reply(201, {"object": "contact", "id": contact["id"]})

    def change(self, method: str, address: str, payload: dict[str, Any]) -> Reply:
        contact = self.find(address)
        if method == "GET":
            return Reply(200, {"object": "contact", **contact})
        if method == "DELETE":
            del self.contacts[address]
            return Reply(200, {"object": "contact", "contact": contact["id"], "deleted": True})
        self.check(payload, PROFILE)
        require(payload, "nothing to change")
        properties = {**contact["properties"], **payload.get("properties", {})}
        kept = {name: value for name, value in properties.items() if value is not None}
        contact.update(payload | {"properties": kept})
        return Reply(200, {"object": "contact", "id": contact["id"]})

    def check(self, payload: dict[str, Any], known: set[str]) -> None:
        require(payload.keys() <= known, f"unknown fields {payload.keys() - known}")
        require(isinstance(payload.get("unsubscribed", True), bool), "unsubscribed must be a boolean")
        for name, value in payload.get("properties", {}).items():
            require(name in self.properties, f"the property {name} is not declared")
            require(value is None or isinstance(value, TYPES[self.properties[name]]), f"wrong type of {name}")

    def page(self, query: dict[str, list[str]]) -> Reply:
        """Return two properties a page, so that tests with three meet a second page."""
        names = sorted(self.properties)
        first = names.index(query["after"][0].removeprefix("id-")) + 1 if "after" in query else 0
        items = [{"id": f"id-{name}", "key": name, "type": self.properties[name]} for name in names[first : first + 2]]
        return Reply(200, {"object": "list", "has_more": first + 2 < len(names), "data": items})

    def declare(self, payload: dict[str, Any]) -> Reply:
        require(payload.keys() == {"key", "type"} and payload["type"] in TYPES, "bad property")
        require(payload["key"] not in self.properties, "the property exists", 409)
        require(payload["key"].upper() not in ("FIRST_NAME", "LAST_NAME", "EMAIL"), "the name is reserved")
        self.properties[payload["key"]] = payload["type"]
        return Reply(201, {"object": "contact_property", "id": f"id-{payload['key']}"})
