"""A stand-in for Stripe's API: a real HTTP server on loopback that is as strict as Stripe's documentation.

    with StripeStandIn() as stripe: … stripe.url, stripe.customers, stripe.sessions, stripe.requests
    stripe.faults = ["timeout-after", "429;retry-after=7"]

Faults are consumed one per request: a status ("401", "402", "403", "429", "500", "503"), "503-html", "500-stored" (kept
under the Idempotency-Key, as Stripe does), "timeout-before", "timeout-after", "cut-before", "cut-after", "rubbish",
"truncated", "list", "ok". Faults that end in "-after" happen once the request has been performed, as do the three
malformed bodies. After a
"timeout" the deadline of the call expires immediately.
"""

import json
import re
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from billing.tests.support.stripe_lists import CursorGone, ListsAndDocuments
from billing.tests.support.stripe_refusals import Json, RequestRefused, refuse_unknown, require
from billing.tests.support.stripe_sessions import check_session, new_price
from emails.tests.support.deadlines import pass_deadline

KEY = "sk_test_51StandInSecretKey"
PRICES = {"price_1SNa2bKq4RtYw2VdPro9Month", "price_team"}
VERSION = re.compile(r"\d{4}-\d\d-\d\d\.\w+")
ABORT_WITH_RESET = struct.pack("ii", 1, 0)
MISSING_ID = {"code": "resource_missing", "param": "id"}


@dataclass(frozen=True)
class StripeRequest:
    """One request as it arrived."""

    method: str
    path: str
    parameters: Json
    headers: dict[str, str]

    @property
    def key(self) -> str:
        return self.headers.get("idempotency-key", "")


@dataclass
class Reply:
    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


class StripeStandIn(ListsAndDocuments):
    def __init__(self) -> None:
        super().__init__()
        self.customers: dict[str, Json] = {}
        self.own_prices: dict[str, Json] = {}  # beside those in PRICES
        self.sessions: dict[str, Json] = {}
        self.subscriptions: dict[str, Json] = {}
        self.requests: list[StripeRequest] = []
        self.faults: Iterable[str] = ()
        self.latency = 0.0
        self.passes_deadlines = True  # a "timeout" fault ends the call immediately
        self.is_portal_configured = True
        self._numbers = count(1)
        self._replies: dict[str, tuple[Any, Reply]] = {}
        self._running: set[str] = set()
        self._lock = threading.Lock()
        self.is_over = threading.Event()

    def __enter__(self) -> Self:
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.stripe = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def calls(self, path: str) -> list[StripeRequest]:
        """The POST requests to a path."""
        return [request for request in self.requests if (request.method, request.path) == ("POST", path)]

    @property
    def prices(self) -> dict[str, Json]:
        return {price_id: new_price(price_id) for price_id in PRICES} | self.own_prices

    def add_price(self, price_id: str, **values: Any) -> None:
        self.own_prices[price_id] = new_price(price_id, **values)

    def forget_keys(self) -> None:
        """Expire all idempotency keys, as Stripe does after a day."""
        self._replies.clear()

    def delete_customer(self, customer_id: str) -> None:
        self.customers[customer_id] = {"id": customer_id, "object": "customer", "deleted": True}

    # Handling of one request

    def next_fault(self) -> str:
        with self._lock:
            first, *rest = [*self.faults] or ["ok"]
            self.faults = rest
        return first

    def respond(self, request: StripeRequest) -> Reply:
        """Apply Stripe's idempotency: keep the first result, unless the request was refused early."""
        try:
            check_headers(request)
            known = (request.path, request.parameters)
            with self._lock:
                if request.key in self._replies:
                    return self._replay(request, known)
                require(
                    request.key not in self._running,
                    "Another request is in progress",
                    409,
                    code="idempotency_key_in_use",
                )
                self._running |= {request.key} - {""}
            try:
                time.sleep(self.latency)
                reply = Reply(200, self._perform(request))
                self.store(request, reply)
            finally:
                self._running.discard(request.key)
        except RequestRefused as error:
            return refusal(error.status, **error.details)
        return reply

    def store(self, request: StripeRequest, reply: Reply) -> None:
        if request.key:
            self._replies[request.key] = ((request.path, request.parameters), reply)

    def _replay(self, request: StripeRequest, known: Any) -> Reply:
        first, reply = self._replies[request.key]
        require(first == known, "Keys can only be used with the same parameters", 400, type="idempotency_error")
        return Reply(reply.status, reply.body, {"Idempotent-Replayed": "true"})

    def _perform(self, request: StripeRequest) -> Json:
        for method, pattern, work in ROUTES:
            found = re.fullmatch(pattern, request.path)
            if method == request.method and found:
                with self._lock, missing_as_refusal():
                    return work(self, request.parameters, *found.groups())
        raise RequestRefused(404, f"Unrecognized request URL ({request.method}: {request.path})")

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers)}"

    # Routes

    def create_customer(self, parameters: Json) -> Json:
        refuse_unknown(parameters, {"email", "name", "metadata"})
        require("@" in parameters.get("email", ""), f"Invalid email address: {parameters.get('email')}", param="email")
        customer = {"id": self._id("cus"), "object": "customer", "name": None, "metadata": {}, **parameters}
        self.customers[customer["id"]] = customer
        return customer

    def list_customers(self, parameters: Json) -> Json:
        if "email" not in parameters:
            refuse_unknown(parameters, {"limit", "starting_after"})
            return self.list_all_customers(parameters)
        refuse_unknown(parameters, {"email", "limit"})
        found = [customer for customer in self.customers.values() if customer.get("email") == parameters["email"]]
        return {"object": "list", "url": "/v1/customers", "has_more": False, "data": found[::-1]}

    def update_customer(self, parameters: Json, customer_id: str) -> Json:
        refuse_unknown(parameters, {"email", "name"})
        require("@" in parameters.get("email", "@"), f"Invalid email address: {parameters.get('email')}", param="email")
        customer = existing(self.customers, "customer", customer_id)
        require(not customer.get("deleted"), f"No such customer: '{customer_id}'", 404, **MISSING_ID)
        customer |= parameters
        return customer

    def retrieve_price(self, parameters: Json, price_id: str) -> Json:
        refuse_unknown(parameters, {"expand"})
        return existing(self.prices, "price", price_id)

    def retrieve_customer(self, parameters: Json, customer_id: str) -> Json:
        return existing(self.customers, "customer", customer_id)

    def retrieve_invoice(self, parameters: Json, invoice_id: str) -> Json:
        return existing(self.invoices, "invoice", invoice_id)

    def retrieve_charge(self, parameters: Json, charge_id: str) -> Json:
        return existing(self.charges, "charge", charge_id)

    def retrieve_intent(self, parameters: Json, intent_id: str) -> Json:
        refuse_unknown(parameters, {"expand"})
        existing(self.payment_intents, "payment_intent", intent_id)
        return self.retrieve_payment_intent(parameters, intent_id)

    def list_all_subscriptions(self, parameters: Json) -> Json:
        refuse_unknown(parameters, {"limit", "starting_after"})
        return self.list_subscriptions(parameters)

    def retrieve_subscription(self, parameters: Json, subscription_id: str) -> Json:
        return existing(self.subscriptions, "subscription", subscription_id)

    def list_items(self, parameters: Json) -> Json:
        refuse_unknown(parameters, {"subscription", "limit"})
        subscription = existing(self.subscriptions, "subscription", parameters["subscription"])
        return {"object": "list", "url": "/v1/subscription_items", "has_more": False, "data": subscription["all_items"]}

    def create_session(self, parameters: Json) -> Json:
        check_session(parameters, self.prices)
        customer = self.customers.get(parameters["customer"], {"deleted": True})
        missing: Json = {"code": "resource_missing", "param": "customer"}
        require(not customer.get("deleted"), f"No such customer: '{parameters['customer']}'", **missing)
        session_id = self._id("cs_test")
        session = {
            "id": session_id,
            "object": "checkout.session",
            "status": "open",
            "payment_status": "unpaid",
            "subscription": None,
            "invoice": None,
            "url": f"https://checkout.stripe.com/c/pay/{session_id}#fid",
            **{name: parameters.get(name) for name in ("mode", "customer", "client_reference_id", "metadata")},
            "subscription_data": parameters.get("subscription_data"),
            "parameters": parameters,
            "prices": [item["price"] for item in parameters["line_items"].values()],
            "success_url": parameters["success_url"],
            "cancel_url": parameters["cancel_url"],
        }
        self.sessions[session_id] = session
        return dict(session)

    def delete_customer_by_api(self, parameters: Json, customer_id: str) -> Json:
        """Delete a customer, which cancels its subscriptions and keeps its sessions."""
        customer = existing(self.customers, "customer", customer_id)
        require(not customer.get("deleted"), f"No such customer: '{customer_id}'", 404, **MISSING_ID)
        self.delete_customer(customer_id)
        for subscription in self.subscriptions.values():
            if subscription["customer"] == customer_id:
                subscription["status"] = "canceled"
        return self.customers[customer_id]

    def cancel_subscription(self, parameters: Json, subscription_id: str) -> Json:
        subscription = existing(self.subscriptions, "subscription", subscription_id)
        is_canceled = subscription["status"] == "canceled"
        require(not is_canceled, f"No such subscription: '{subscription_id}'", 404, **MISSING_ID)
        subscription["status"] = "canceled"
        return subscription

    def list_sessions(self, parameters: Json) -> Json:
        refuse_unknown(parameters, {"customer", "status", "limit"})
        wanted = (parameters["customer"], parameters["status"])
        found = [row for row in self.sessions.values() if (row["customer"], row["status"]) == wanted]
        return {"object": "list", "url": "/v1/checkout/sessions", "has_more": False, "data": found[::-1]}

    def retrieve_session(self, parameters: Json, session_id: str) -> Json:
        return existing(self.sessions, "checkout.session", session_id)

    def expire_session(self, parameters: Json, session_id: str) -> Json:
        session = existing(self.sessions, "checkout.session", session_id)
        require(session["status"] == "open", f"This Checkout Session has a status of {session['status']}")
        session |= {"status": "expired", "url": None}
        return session

    def create_portal_session(self, parameters: Json) -> Json:
        refuse_unknown(parameters, {"customer", "return_url"})
        require(
            self.is_portal_configured, "No configuration provided. Save your customer portal settings in test mode."
        )
        customer = self.customers.get(parameters["customer"], {"deleted": True})
        missing: Json = {"code": "resource_missing", "param": "customer"}
        require(not customer.get("deleted"), f"No such customer: '{parameters['customer']}'", **missing)
        url = f"https://billing.stripe.com/p/session/{uuid.uuid4()}"
        return {"id": self._id("bps"), "object": "billing_portal.session", "url": url, **parameters}

    def complete(self, session_id: str) -> Json:
        """Complete a session as if the buyer paid, and return it as an event would carry it."""
        session, subscription_id = self.sessions[session_id], self._id("sub")
        session |= {"status": "complete", "payment_status": "paid", "url": None, "subscription": subscription_id}
        self.subscriptions[subscription_id] = {
            "id": subscription_id,
            "object": "subscription",
            "status": "active",
            "customer": session["customer"],
            "metadata": (session["subscription_data"] or {}).get("metadata", {}),
        }
        return session


ROUTES: list[tuple[str, str, Callable[..., Json]]] = [
    ("POST", "/v1/customers", StripeStandIn.create_customer),
    ("GET", "/v1/customers", StripeStandIn.list_customers),
    ("POST", "/v1/customers/([^/]+)", StripeStandIn.update_customer),
    ("GET", "/v1/customers/([^/]+)", StripeStandIn.retrieve_customer),
    ("DELETE", "/v1/customers/([^/]+)", StripeStandIn.delete_customer_by_api),
    ("GET", "/v1/prices/([^/]+)", StripeStandIn.retrieve_price),
    ("GET", "/v1/subscription_items", StripeStandIn.list_items),
    ("GET", "/v1/invoices/([^/]+)", StripeStandIn.retrieve_invoice),
    ("GET", "/v1/charges/([^/]+)", StripeStandIn.retrieve_charge),
    ("GET", "/v1/payment_intents/([^/]+)", StripeStandIn.retrieve_intent),
    ("GET", "/v1/subscriptions", StripeStandIn.list_all_subscriptions),
    ("GET", "/v1/subscriptions/([^/]+)", StripeStandIn.retrieve_subscription),
    ("DELETE", "/v1/subscriptions/([^/]+)", StripeStandIn.cancel_subscription),
    ("GET", "/v1/invoices/([^/]+)", StripeStandIn.retrieve_invoice),
    ("GET", "/v1/checkout/sessions", StripeStandIn.list_sessions),
    ("POST", "/v1/checkout/sessions", StripeStandIn.create_session),
    ("GET", "/v1/checkout/sessions/([^/]+)", StripeStandIn.retrieve_session),
    ("POST", "/v1/checkout/sessions/([^/]+)/expire", StripeStandIn.expire_session),
    ("POST", "/v1/billing_portal/sessions", StripeStandIn.create_portal_session),
]


def check_headers(request: StripeRequest) -> None:
    headers = request.headers
    masked = "Invalid API Key provided: sk_test_****************tKey"
    require(headers.get("authorization") == f"Bearer {KEY}", masked, 401)
    require(VERSION.fullmatch(headers.get("stripe-version", "")), "No Stripe-Version", 400)
    require(len(request.key) <= 255, "The Idempotency-Key is too long")
    if request.method == "POST":
        content_type = headers.get("content-type", "")
        require(content_type == "application/x-www-form-urlencoded", f"The content type is {content_type}", 400)
        require(request.key, "The stand-in requires a key with every POST", 400)


def existing(rows: dict[str, Json], kind: str, row_id: str) -> Json:
    require(row_id in rows, f"No such {kind}: '{row_id}'", 404, code="resource_missing", param="id")
    return rows[row_id]


@contextmanager
def missing_as_refusal() -> Iterator[None]:
    """Refuse a page that follows an object which is gone."""
    try:
        yield
    except CursorGone as error:
        missing = {"code": "resource_missing", "param": "starting_after"}
        raise RequestRefused(400, f"No such object: {error}", **missing) from None


def refusal(status: int, headers: dict[str, str] | None = None, **error: str) -> Reply:
    return Reply(status, {"error": {"request_log_url": "https://dashboard.stripe.com/…", **error}}, headers or {})


def parse_nested(pairs: list[tuple[str, str]]) -> Json:
    """Parse names such as ``a[b][0]`` into nested dictionaries."""
    result: Json = {}
    for name, value in pairs:
        *path, last = re.findall(r"[^\[\]]+", name)
        place = result
        for step in path:
            place = place.setdefault(step, {})
        require(last not in place, f"{name} was sent twice")
        place[last] = value
    return result


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    stripe: StripeStandIn


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        self.handle_one("GET", urlsplit(self.path).query)

    def do_DELETE(self) -> None:
        self.handle_one("DELETE", urlsplit(self.path).query)

    def do_POST(self) -> None:
        self.handle_one("POST", self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

    def handle_one(self, method: str, form: str) -> None:
        stripe = self.server.stripe
        headers = {name.lower(): value for name, value in self.headers.items()}
        parameters = parse_nested(parse_qsl(form, keep_blank_values=True, strict_parsing=bool(form)))
        request = StripeRequest(method, urlsplit(self.path).path, parameters, headers)
        stripe.requests.append(request)
        word, *options = stripe.next_fault().split(";")
        kind, _, moment = word.partition("-")
        extra = {"retry-after": "", **dict(option.split("=", 1) for option in options)}
        is_performed = moment == "after" or kind in ("ok", "rubbish", "truncated", "list")
        reply = stripe.respond(request) if is_performed else Reply(200, {})
        match kind:
            case "ok":
                self.reply(reply)
            case "timeout":
                if stripe.passes_deadlines:
                    pass_deadline(self.client_address[1])
                stripe.is_over.wait()
                self.close_connection = True
            case "cut":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT_WITH_RESET)
                self.connection.close()
                self.close_connection = True
            case "rubbish":
                self.reply(Reply(reply.status, b"]rubbish["))
            case "list":
                self.reply(Reply(200, []))
            case "truncated":
                self.reply(reply, cut=10)
            case _ if moment == "html":
                self.reply(Reply(int(kind), b"<html>Bad gateway</html>", {"Content-Type": "text/html"}))
            case _:
                failed = refusal(
                    int(kind),
                    {"Retry-After": extra["retry-after"]} if extra["retry-after"] else None,
                    type="api_error",
                    message="As scripted.",
                )
                if moment == "stored":
                    stripe.store(request, failed)
                self.reply(failed)

    def reply(self, reply: Reply, cut: int = 0) -> None:
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body, indent=2).encode()
        self.send_response(reply.status)
        headers = {
            "Content-Type": "application/json",
            "Request-Id": f"req_{len(self.server.stripe.requests)}",
            **reply.headers,
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) - cut])
        self.close_connection = self.close_connection or bool(cut)

    def log_message(self, *_: object) -> None:
        pass
