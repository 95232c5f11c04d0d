"""SendGrid's contacts API in the stand-in: as strict as the documentation, and it records every request."""

import uuid
from typing import Any
from urllib.parse import unquote

from emails.tests.support.provider_rules import Reply, RequestRefused, require, require_no_empty_strings

PATHS = ("/sendgrid/v3/marketing/", "/sendgrid/v3/asm/")
CONTACT = {"email", "first_name", "last_name", "custom_fields"}
TYPES = {"Text": str, "Number": int | float}


class SendGridContactsApi:
    """``contacts`` are keyed by address, ``fields`` are (name, type) by ID.

    With ``is_slow``, a contact that was accepted exists only after ``finish_jobs()``.
    """

    def __init__(self) -> None:
        self.contacts: dict[str, dict[str, Any]] = {}
        self.jobs: list[dict[str, Any]] = []
        self.is_slow = False
        self.fields: dict[str, tuple[str, str]] = {}
        self.unsubscribed: set[str] = set()
        self.requests: list[tuple[str, str, Any]] = []

    def unsubscribe(self, address: str) -> None:
        """Unsubscribe the contact as a click in an email does."""
        self.unsubscribed.add(address)

    def state_of(self, address: str) -> dict[str, Any] | None:
        contact = self.contacts.get(address)
        if contact is None:
            return None
        return {
            "is_subscribed": address not in self.unsubscribed,
            "first_name": contact.get("first_name", ""),
            "attributes": {self.fields[key][0]: value for key, value in contact["custom_fields"].items()},
        }

    def process(self, method: str, path: str, payload: dict[str, Any]) -> Reply:
        route, _, query = path.removeprefix("/sendgrid/v3").partition("?")
        self.requests.append((method, route, payload))
        match (method, *map(unquote, route.strip("/").split("/"))):
            case ("PUT", "marketing", "contacts"):
                return self.upsert(payload)
            case ("DELETE", "marketing", "contacts"):
                return self.delete(query)
            case ("POST", "marketing", "contacts", "search", "emails"):
                return self.search(payload["emails"])
            case ("GET", "marketing", "field_definitions"):
                fields = [{"id": key, "name": name, "field_type": kind} for key, (name, kind) in self.fields.items()]
                return Reply(200, {"custom_fields": fields, "reserved_fields": []})
            case ("POST", "marketing", "field_definitions"):
                return self.declare(payload)
            case ("POST", "asm", "suppressions", "global"):
                require(payload.keys() == {"recipient_emails"}, "bad suppression", 400)
                self.unsubscribed |= set(payload["recipient_emails"])
                return Reply(201, payload)
            case ("GET", "asm", "suppressions", "global", address):
                return Reply(200, {"recipient_email": address} if address in self.unsubscribed else {})
        raise RequestRefused("no such route", 404)

    def upsert(self, payload: dict[str, Any]) -> Reply:
        require_no_empty_strings(payload)
        require(payload.keys() <= {"list_ids", "contacts"}, "unknown fields", 400)
        for contact in payload["contacts"]:
            require(contact.keys() <= CONTACT, f"unknown fields {contact.keys() - CONTACT}", 400)
            require("@" in contact.get("email", "") and len(contact.get("first_name", "")) <= 50, "bad contact", 400)
            for key, value in contact.get("custom_fields", {}).items():
                require(key in self.fields, f"the field {key} is not defined", 400)
                require(value is None or isinstance(value, TYPES[self.fields[key][1]]), f"wrong type of {key}", 400)
            self.jobs.append({**contact, "list_ids": payload.get("list_ids", [])})
        if not self.is_slow:
            self.finish_jobs()
        return Reply(202, {"job_id": str(uuid.uuid4())})

    def finish_jobs(self) -> None:
        for job in self.jobs:
            new = {"id": str(uuid.uuid4()), "custom_fields": {}, "list_ids": []}
            contact = self.contacts.setdefault(job["email"], new)
            lists = [*contact["list_ids"], *job["list_ids"]]
            contact |= {**job, "custom_fields": contact["custom_fields"] | job.get("custom_fields", {})}
            contact["list_ids"] = lists
        self.jobs.clear()

    def search(self, addresses: list[str]) -> Reply:
        found = {address: {"contact": self.contacts[address]} for address in addresses if address in self.contacts}
        require(found, "no contacts found", 404)
        return Reply(200, {"result": found})

    def delete(self, query: str) -> Reply:
        require(query.startswith("ids=") and "delete_all_contacts" not in query, "bad ids", 400)
        ids = query.removeprefix("ids=").split(",")
        self.contacts = {address: contact for address, contact in self.contacts.items() if contact["id"] not in ids}
        return Reply(202, {"job_id": str(uuid.uuid4())})

    def declare(self, payload: dict[str, Any]) -> Reply:
        require(payload.keys() == {"name", "field_type"} and payload["field_type"] in TYPES, "bad field", 400)
        names = {name.lower() for name, _ in self.fields.values()} | {"email", "first_name", "city"}
        require(payload["name"].lower() not in names, "the name is taken", 400)
        key = f"e{len(self.fields) + 1}_{payload['field_type'][0]}"
        self.fields[key] = (payload["name"], payload["field_type"])
        return Reply(200, {"id": key, **payload})
