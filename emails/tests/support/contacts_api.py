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
        elif method in ("GET", "PATCH", "DELETE") and route.startswith("/"):
            result = self.change(method, unquote(route[1:]), payload)
        else:
            raise RequestRefused("no such route", 404)
        self.requests.append((method, route, payload))
        return Reply(200, {"success": True, **result})

    def unsubscribe(self, address: str) -> None:
        """Unsubscribe the contact as a click in an email does."""
        self.subscribers[address]["status"] = "unsubscribed"

    def state_of(self, address: str) -> dict[str, Any] | None:
        subscriber = self.subscribers.get(address)
        if subscriber is None:
            return None
        return {
            "is_subscribed": subscriber["status"] == "active",
            "first_name": subscriber["firstName"],
            "attributes": subscriber["attributes"],
        }

    def subscriber(self, address: Any, status: str = "active") -> dict[str, Any]:
        require(isinstance(address, str) and "@" in address, "email is required", 400)
        new = {"email": address, "status": status, "firstName": "", "tags": set(), "attributes": {}, "events": []}
        return self.subscribers.setdefault(address, new)

    def subscribe(self, payload: dict[str, Any]) -> dict[str, Any]:
        require(payload.keys() <= SUBSCRIBER, f"unknown fields {payload.keys() - SUBSCRIBER}", 400)
        require(payload.get("duplicateStrategy") in ("skip", "merge", "overwrite"), "bad duplicateStrategy", 400)
        require(
            isinstance(payload.get("lists"), list),
            "lists is required: without it, default lists apply",
            400,
        )
        require(payload.get("status", "active") in ("active", "unsubscribed"), "bad status", 400)
        subscriber = self.subscriber(payload.get("email"), payload.get("status", "active"))
        subscriber["firstName"] = subscriber["firstName"] or payload.get("firstName", "")
        subscriber["tags"] |= {valid_tag(tag) for tag in payload.get("tags", [])}
        subscriber["attributes"] = payload.get("customAttributes", {}) | subscriber["attributes"]
        return {"subscriber": {"email": subscriber["email"]}}

    def add_tag(self, payload: dict[str, Any]) -> dict[str, Any]:
        require(payload.keys() == {"email", "tag"}, "email and tag are required", 400)
        self.subscriber(payload["email"])["tags"].add(valid_tag(payload["tag"]))
        return {"tag": {"name": payload["tag"]}}

    def remove_tags(self, payload: dict[str, Any]) -> dict[str, Any]:
        found = self.matching(payload)
        for subscriber in found:
            subscriber["tags"] -= set(payload["tags"])
        return {"matched": len(found), "failures": []}

    def add_tags(self, payload: dict[str, Any]) -> dict[str, Any]:
        found = self.matching(payload)
        for subscriber in found:
            subscriber["tags"] |= set(payload["tags"])
        return {"matched": len(found), "failures": []}

    def matching(self, payload: dict[str, Any]) -> list[dict[str, Any]]:
        require(payload.keys() == {"tags", "emails"} and len(payload["emails"]) <= 500, "tags and emails", 400)
        return [self.subscribers[address] for address in payload["emails"] if address in self.subscribers]

    def track(self, payload: dict[str, Any]) -> dict[str, Any]:
        require(payload.keys() <= EVENT and payload.get("event") and payload.get("eventId"), "bad event", 400)
        is_repeated = payload["eventId"] in self.event_ids
        if not is_repeated:
            self.event_ids.add(payload["eventId"])
            self.subscriber(payload["email"])["events"].append(payload["event"])
        return {"event": {"name": payload["event"]}, "duplicate": is_repeated}

    def change(self, method: str, address: str, payload: dict[str, Any]) -> dict[str, Any]:
        require(address in self.subscribers, "Subscriber not found", 404)
        subscriber = self.subscribers[address]
        if method == "GET":
            return {"subscriber": {"email": address, "status": subscriber["status"]}}
        if method == "DELETE":
            del self.subscribers[address]
            return {"deleted": True}
        require(payload and payload.keys() <= SUBSCRIBER | {"customAttributesStrategy"}, "unknown fields", 400)
        require(payload.get("status", "active") in ("active", "unsubscribed"), "bad status", 400)
        require(payload.get("email") not in self.subscribers or payload["email"] == address, "taken", 409)
        subscriber["status"] = payload.get("status", subscriber["status"])
        subscriber["firstName"] = payload.get("firstName", subscriber["firstName"])
        kept = subscriber["attributes"] if payload.get("customAttributesStrategy") == "merge" else {}
        if "customAttributes" in payload:
            subscriber["attributes"] = kept | payload["customAttributes"]
        self.rename(address, payload.get("email", address))
        return {}

    def rename(self, address: str, new: str) -> None:
        self.subscribers[new] = {**self.subscribers.pop(address), "email": new}

    ROUTES = {
        ("POST", ""): subscribe,
        ("POST", "/tags"): add_tag,
        ("POST", "/bulk/tags/add"): add_tags,
        ("POST", "/bulk/tags/remove"): remove_tags,
        ("POST", "/events"): track,
    }


def valid_tag(tag: Any) -> str:
    require(isinstance(tag, str) and TAG.fullmatch(tag), f"bad tag {tag!r}", 400)
    return str(tag)
