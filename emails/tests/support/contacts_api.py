"""Sequenzy's contacts API in the stand-in: as strict as the documentation, and it records every request."""

import re
from typing import Any
from urllib.parse import unquote

from emails.tests.support.provider_rules import Reply, RequestRefused, require

PREFIX = "/sequenzy/api/v1/subscribers"
TAG = re.compile(r"[a-z0-9-]+")
SUBSCRIBER = {
    "email",
    "externalId",
    "firstName",
    "lastName",
    "status",
    "tags",
    "lists",
    "customAttributes",
    "duplicateStrategy",
    "optInMode",
    "enrollInSequences",
}
EVENT = {"email", "externalId", "event", "properties", "eventId", "occurredAt"}


class Contacts:
    """``subscribers`` are keyed by address; ``requests`` holds (method, route, payload) in order of arrival."""

    def __init__(self) -> None:
        self.subscribers: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.event_ids: set[str] = set()

    def process(self, method: str, path: str, payload: dict[str, Any]) -> Reply:
        route = path.removeprefix(PREFIX)
        handler = self.ROUTES.get((method, route))
        if handler is not None:
            result = handler(self, payload)
        elif method in ("PATCH", "DELETE") and route.startswith("/"):
            result = self.change(method, unquote(route[1:]), payload)
        else:
            raise RequestRefused("no such route", 404)
        self.requests.append((method, route, payload))
        return Reply(200, {"success": True, **result})

    def subscriber(self, address: Any) -> dict[str, Any]:
        require(isinstance(address, str) and "@" in address, "email is required", 400)
        new = {"email": address, "status": "active", "tags": set(), "attributes": {}, "events": []}
        return self.subscribers.setdefault(address, new)

    def subscribe(self, payload: dict[str, Any]) -> dict[str, Any]:
        require(payload.keys() <= SUBSCRIBER, f"unknown fields {payload.keys() - SUBSCRIBER}", 400)
        require(payload.get("duplicateStrategy") in ("skip", "merge", "overwrite"), "bad duplicateStrategy", 400)
        require(
            isinstance(payload.get("lists"), list),
            "lists is required: without it, default lists apply",
            400,
        )
        subscriber = self.subscriber(payload.get("email"))
        subscriber["tags"] |= {valid_tag(tag) for tag in payload.get("tags", [])}
        subscriber["attributes"] = payload.get("customAttributes", {}) | subscriber["attributes"]
        return {"subscriber": {"email": subscriber["email"]}}

    def add_tag(self, payload: dict[str, Any]) -> dict[str, Any]:
        require(payload.keys() == {"email", "tag"}, "email and tag are required", 400)
        self.subscriber(payload["email"])["tags"].add(valid_tag(payload["tag"]))
        return {"tag": {"name": payload["tag"]}}

    def remove_tags(self, payload: dict[str, Any]) -> dict[str, Any]:
        require(payload.keys() == {"tags", "emails"} and len(payload["emails"]) <= 500, "tags and emails", 400)
        found = [self.subscribers[address] for address in payload["emails"] if address in self.subscribers]
        for subscriber in found:
            subscriber["tags"] -= set(payload["tags"])
        return {"matched": len(found), "failures": []}

    def track(self, payload: dict[str, Any]) -> dict[str, Any]:
        require(payload.keys() <= EVENT and payload.get("event") and payload.get("eventId"), "bad event", 400)
        is_repeated = payload["eventId"] in self.event_ids
        if not is_repeated:
            self.event_ids.add(payload["eventId"])
            self.subscriber(payload["email"])["events"].append(payload["event"])
        return {"event": {"name": payload["event"]}, "duplicate": is_repeated}

    def change(self, method: str, address: str, payload: dict[str, Any]) -> dict[str, Any]:
        require(address in self.subscribers, "Subscriber not found", 404)
        if method == "DELETE":
            del self.subscribers[address]
            return {"deleted": True}
        require(payload.get("status") in ("active", "unsubscribed"), "bad status", 400)
        self.subscribers[address]["status"] = payload["status"]
        return {}

    ROUTES = {
        ("POST", ""): subscribe,
        ("POST", "/tags"): add_tag,
        ("POST", "/bulk/tags/remove"): remove_tags,
        ("POST", "/events"): track,
    }


def valid_tag(tag: Any) -> str:
    require(isinstance(tag, str) and TAG.fullmatch(tag), f"bad tag {tag!r}", 400)
    return str(tag)
