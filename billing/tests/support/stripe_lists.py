"""What the stand-in for Stripe's API knows about lists, invoices, and receipts."""

from typing import Any

Json = dict[str, Any]


class CursorGone(Exception):
    """The object that a page should follow no longer exists."""


class ListsAndDocuments:
    """A part of StripeStandIn: invoices, charges, and payment intents by ID, and lists that are read page by page."""

    customers: dict[str, Json]
    subscriptions: dict[str, Json]

    def __init__(self) -> None:
        super().__init__()
        self.invoices: dict[str, Json] = {}
        self.charges: dict[str, Json] = {}
        self.payment_intents: dict[str, Json] = {}

    def list_all_customers(self, parameters: Json) -> Json:
        """Leave out the deleted ones, as Stripe does."""
        rows = [row for row in self.customers.values() if not row.get("deleted")]
        return page_of(rows, parameters, "/v1/customers")

    def list_subscriptions(self, parameters: Json) -> Json:
        """Leave out the canceled ones, as Stripe does without a status."""
        rows = [row for row in self.subscriptions.values() if row["status"] != "canceled"]
        return page_of(rows, parameters, "/v1/subscriptions")

    def retrieve_payment_intent(self, parameters: Json, intent_id: str) -> Json:
        intent = dict(self.payment_intents[intent_id])
        if "latest_charge" in parameters.get("expand", {}).values():
            intent["latest_charge"] = self.charges.get(intent["latest_charge"])
        return intent


def page_of(rows: list[Json], parameters: Json, url: str) -> Json:
    """Return the page after ``starting_after``, newest first. Raises ``CursorGone``."""
    newest_first = rows[::-1]
    if after := parameters.get("starting_after"):
        ids = [row["id"] for row in newest_first]
        if after not in ids:
            raise CursorGone(after)
        newest_first = newest_first[ids.index(after) + 1 :]
    limit = int(parameters["limit"])
    return {"object": "list", "url": url, "has_more": len(newest_first) > limit, "data": newest_first[:limit]}
