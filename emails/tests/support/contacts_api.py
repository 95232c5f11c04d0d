"""Sequenzy's contacts behind the stand-in: as strict as its documentation, and it remembers what it was told."""

import re
from typing import Any
from urllib.parse import unquote

from emails.tests.support.provider_rules import RefusedError, Reply, need

PREFIX = "/sequenzy/api/v1/subscribers"
TAG = re.compile(r"[a-z0-9-]+")
SUBSCRIBER = {
    "email", "externalId", "firstName", "lastName", "status", "tags", "lists", "customAttributes", "duplicateStrategy",
    "optInMode", "enrollInSequences",
}  # fmt: skip
EVENT = {"email", "externalId", "event", "properties", "eventId", "occurredAt"}


class Contacts:
    """``people`` by address, ``told`` in the order in which it came."""

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.told: list[tuple[str, str, Any]] = []
        self.event_ids: set[str] = set()

    def process(self, method: str, path: str, payload: dict[str, Any]) -> Reply:
        route = path.removeprefix(PREFIX)
        handler = self.ROUTES.get((method, route))
        if handler is not None:
            answer = handler(self, payload)
        elif method in ("PATCH", "DELETE") and route.startswith("/"):
            answer = self.change(method, unquote(route[1:]), payload)
        else:
            raise RefusedError("no such route", 404)
        self.told.append((method, route, payload))
        return Reply(200, {"success": True, **answer})

    def person(self, address: Any) -> dict[str, Any]:
        need(isinstance(address, str) and "@" in address, "email is required", 400)
        new = {"email": address, "status": "active", "tags": set(), "attributes": {}, "events": []}
        return self.people.setdefault(address, new)

    def subscribe(self, payload: dict[str, Any]) -> dict[str, Any]:
        need(payload.keys() <= SUBSCRIBER, f"unknown fields {payload.keys() - SUBSCRIBER}", 400)
        need(payload.get("duplicateStrategy") in ("skip", "merge", "overwrite"), "bad duplicateStrategy", 400)
        need(isinstance(payload.get("lists"), list), "lists must be given: omitted, it means the default ones", 400)
        person = self.person(payload.get("email"))
        person["tags"] |= {checked(tag) for tag in payload.get("tags", [])}
        person["attributes"] = payload.get("customAttributes", {}) | person["attributes"]
        return {"subscriber": {"email": person["email"]}}

    def add_tag(self, payload: dict[str, Any]) -> dict[str, Any]:
        need(payload.keys() == {"email", "tag"}, "email and tag are required", 400)
        self.person(payload["email"])["tags"].add(checked(payload["tag"]))
        return {"tag": {"name": payload["tag"]}}

    def remove_tags(self, payload: dict[str, Any]) -> dict[str, Any]:
        need(payload.keys() == {"tags", "emails"} and len(payload["emails"]) <= 500, "tags and emails", 400)
        found = [self.people[address] for address in payload["emails"] if address in self.people]
        for person in found:
            person["tags"] -= set(payload["tags"])
        return {"matched": len(found), "failures": []}

    def track(self, payload: dict[str, Any]) -> dict[str, Any]:
        need(payload.keys() <= EVENT and payload.get("event") and payload.get("eventId"), "bad event", 400)
        is_repeated = payload["eventId"] in self.event_ids
        if not is_repeated:
            self.event_ids.add(payload["eventId"])
            self.person(payload["email"])["events"].append(payload["event"])
        return {"event": {"name": payload["event"]}, "duplicate": is_repeated}

    def change(self, method: str, address: str, payload: dict[str, Any]) -> dict[str, Any]:
        need(address in self.people, "Subscriber not found", 404)
        if method == "DELETE":
            del self.people[address]
            return {"deleted": True}
        need(payload.get("status") in ("active", "unsubscribed"), "bad status", 400)
        self.people[address]["status"] = payload["status"]
        return {}

    ROUTES = {
        ("POST", ""): subscribe,
        ("POST", "/tags"): add_tag,
        ("POST", "/bulk/tags/remove"): remove_tags,
        ("POST", "/events"): track,
    }


def checked(tag: Any) -> str:
    need(isinstance(tag, str) and TAG.fullmatch(tag), f"bad tag {tag!r}", 400)
    return str(tag)
