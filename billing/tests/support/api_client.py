"""A client of the billing API for tests."""

from typing import Any

from django.test import Client
from knox.models import AuthToken

from accounts.models import User


class BillingClient:
    """Sends requests below /api/billing/ with the user's token; an exception in a view becomes a 500."""

    def __init__(self, user: User | None = None) -> None:
        headers = {"Authorization": f"Token {AuthToken.objects.create(user)[1]}"} if user else {}
        self.client = Client(raise_request_exception=False, headers=headers)

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/billing/{path}")

    def post(self, path: str, data: object = None, **headers: Any) -> Any:
        return self.client.post(f"/api/billing/{path}", data or {}, content_type="application/json", **headers)

    def checkout(self, plan: str = "pro", **order: object) -> Any:
        return self.post("checkout/", {"plan": plan, **order})

    def portal(self) -> Any:
        return self.post("portal/")
