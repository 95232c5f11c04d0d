"""localstripe, an independent stand-in for Stripe, sends its signed webhooks to the project, which runs as a process.

Its events have version 2017-08-15, with a charge in the invoice and without number and billing reason. It reports
failures only if the bank or the buyer has to confirm later, which explains the cards and the account number.
"""

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.stack import HUNG_AFTER, free_port, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = "whsec_ofLocalstripe"
MARK = {"installation": "app.example.com"}
GOOD_CARD = "4242424242424242"
CARD_TO_CONFIRM = "4000002500003155"
CARD_DECLINED_AFTER_THAT = "4000008260003178"
ACCOUNT_WITHOUT_MONEY = "DE62370400440532013001"

pytestmark = pytest.mark.skipif(not socket.has_ipv6, reason="localstripe listens on IPv6 only")


class Project:
    """The project's web server with its own database."""

    def __init__(self, folder: Path) -> None:
        self.database, self.log, self.port = folder / "db.sqlite3", folder / "web.log", free_port()
        self.environment = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "settings.test",
            "DATABASE_URL": f"sqlite:///{self.database}",
            "STRIPE_WEBHOOK_SECRETS": SECRET,
        }

    @contextmanager
    def serving(self) -> Iterator[None]:
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "myproject.wsgi",
            "--bind",
            f"127.0.0.1:{self.port}",
            "--threads=4",
        ]
        self.run("manage.py", "migrate", "--verbosity=0")
        with running(command, self.log, self.environment, f"http://127.0.0.1:{self.port}/healthz"):
            yield

    def run(self, *command: str) -> None:
        subprocess.run([sys.executable, *command], cwd=ROOT, env=self.environment, check=True)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchall()

    def email_keys(self) -> Counter[str]:
        return Counter(key for (key,) in self.rows("SELECT idempotency_key FROM emails_outboundemail"))

    def processed(self) -> set[str]:
        return {pk for (pk,) in self.rows("SELECT id FROM billing_stripeevent WHERE status = 'processed'")}


class Peer:
    """localstripe's API."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def call(self, method: str, path: str, **values: Any) -> Any:
        return requests.request(
            method, self.url + path, json=values, auth=("sk_test_local", ""), timeout=HUNG_AFTER
        ).json()

    def list_all(self, path: str) -> list[dict[str, Any]]:
        found = requests.get(f"{self.url}{path}limit=100", auth=("sk_test_local", ""), timeout=HUNG_AFTER).json()
        assert not found["has_more"]
        return list(found["data"])

    def customer(self, name: str, **method: Any) -> str:
        pk = str(self.call("POST", "/v1/customers", email=f"{name}@example.com", name=name)["id"])
        self.pay_with(pk, **method)
        return pk

    def pay_with(self, customer: str, **method: Any) -> None:
        pk = self.call("POST", "/v1/payment_methods", **method)["id"]
        self.call("POST", f"/v1/payment_methods/{pk}/attach", customer=customer)
        self.call("POST", f"/v1/customers/{customer}", invoice_settings={"default_payment_method": pk})

    def subscribe(self, customer: str) -> Any:
        return self.call("POST", "/v1/subscriptions", customer=customer, items=[{"plan": "pro"}], metadata=MARK)

    def answer_bank_page(self, subscription: Any, *, confirmed: bool) -> None:
        """Confirm or refuse the first payment on the page of the card's bank."""
        invoice = self.call("GET", f"/v1/invoices/{subscription['latest_invoice']}")
        intent = self.call("GET", f"/v1/payment_intents/{invoice['payment_intent']}")
        path = f"/v1/payment_intents/{intent['id']}/_authenticate"
        requests.post(
            self.url + path,
            json={"key": "pk_test_local", "client_secret": intent["client_secret"], "success": confirmed},
            timeout=HUNG_AFTER,
        )

    def events(self, *types: str) -> list[dict[str, Any]]:
        return [event for name in types for event in self.list_all(f"/v1/events?type={name}&")]


@contextmanager
def running(command: list[str], log: Path, environment: dict[str, str], url: str) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        wait_until(lambda: answers(url) or process.poll() is not None, url)
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    with suppress(requests.RequestException):
        return bool(requests.get(url, timeout=2).status_code)
    return False


def card(number: str) -> dict[str, Any]:
    return {"type": "card", "card": {"number": number, "exp_month": 12, "exp_year": 2030, "cvc": "123"}}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Iterator[Project]:
    project = Project(tmp_path_factory.mktemp("project"))
    with project.serving():
        yield project


@pytest.fixture(scope="module")
def peer(tmp_path_factory, project) -> Iterator[Peer]:
    """localstripe with a plan and with the project as its webhook."""
    port, log = free_port(), tmp_path_factory.mktemp("localstripe") / "log"
    command = [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"]
    with running(command, log, {"PATH": os.environ["PATH"]}, f"http://127.0.0.1:{port}/"):
        peer = Peer(port)
        webhook = {"url": f"http://127.0.0.1:{project.port}/stripe/webhook", "secret": SECRET}
        requests.post(f"{peer.url}/_config/webhooks/ours", json=webhook, timeout=HUNG_AFTER).raise_for_status()
        product = peer.call("POST", "/v1/products", name="Pro", type="service")["id"]
        plan = {"amount": 2900, "currency": "usd", "interval": "month", "product": product}
        peer.call("POST", "/v1/plans", id="pro", **plan)
        yield peer


@pytest.fixture(scope="module")
def played_scenario(project: Project, peer: Peer) -> None:
    """Ada pays twice and cancels. Bob's card is declined, and he pays with another. Cleo refuses on her bank's page.
    Dora's bank refuses half a second later."""
    ada = peer.customer("ada", **card(GOOD_CARD))
    subscription = peer.subscribe(ada)
    peer.call("POST", "/v1/invoiceitems", customer=ada, amount=500, currency="usd", description="A book")
    extra_invoice = peer.call("POST", "/v1/invoices", customer=ada)
    peer.call("POST", f"/v1/invoices/{extra_invoice['id']}/pay")
    peer.call("DELETE", f"/v1/subscriptions/{subscription['id']}")
    bob = peer.customer("bob", **card(CARD_DECLINED_AFTER_THAT))
    bob_subscription = peer.subscribe(bob)
    peer.answer_bank_page(bob_subscription, confirmed=True)
    wait_for_events(project, peer)  # a failure event that arrives after the payment would send nothing
    peer.pay_with(bob, **card(GOOD_CARD))
    peer.call("POST", f"/v1/invoices/{bob_subscription['latest_invoice']}/pay")
    peer.answer_bank_page(peer.subscribe(peer.customer("cleo", **card(CARD_TO_CONFIRM))), confirmed=False)
    peer.subscribe(peer.customer("dora", type="sepa_debit", sepa_debit={"iban": ACCOUNT_WITHOUT_MONEY}))
    wait_until(lambda: len(peer.events("customer.subscription.deleted")) == 3, "Dora's bank has responded")
    wait_for_events(project, peer)


def wait_for_events(project: Project, peer: Peer) -> None:
    everything = {event["id"] for event in peer.list_all("/v1/events?")}
    wait_until(lambda: project.processed() == everything, "all events arrived and were processed")


def test_every_signed_webhook_is_accepted(played_scenario, project, peer):
    assert project.rows("SELECT note, error FROM billing_stripeevent WHERE error <> '' OR waits_for <> ''") == []
    assert {row[0] for row in project.rows("SELECT api_version FROM billing_stripeevent")} == {"2017-08-15"}


def test_each_paid_invoice_sends_one_receipt(played_scenario, project, peer):
    paid = [invoice["id"] for invoice in peer.list_all("/v1/invoices?") if invoice["status"] == "paid"]
    receipts = {key: count for key, count in project.email_keys().items() if key.startswith("receipt:")}
    assert len(paid) == 3
    assert receipts == {f"receipt:{pk}": 1 for pk in paid}


def test_failed_invoice_sends_one_email_while_its_subscription_lasts(played_scenario, project, peer):
    failed = {event["data"]["object"]["id"] for event in peer.events("invoice.payment_failed")}
    emails = {key: count for key, count in project.email_keys().items() if key.startswith("dunning:")}
    assert len(failed) == 3
    # Cleo's and Dora's subscriptions end at once. If that event arrives before the failure, no email about the
    # failure is sent.
    assert 1 <= len(emails) <= 3
    assert emails.items() <= {f"dunning:{pk}:1": 1 for pk in failed}.items()


def test_each_ended_subscription_sends_one_email(played_scenario, project, peer):
    ended = [event["data"]["object"]["id"] for event in peer.events("customer.subscription.deleted")]
    emails = {key: count for key, count in project.email_keys().items() if key.startswith("ended:")}
    assert len(ended) == 3
    assert emails == {f"ended:{pk}": 1 for pk in ended}


def test_receipt_without_number_and_link_is_complete(played_scenario, project):
    receipts = project.rows(
        "SELECT content FROM emails_outboundemail WHERE kind = 'receipt' AND subject LIKE '%29.00%'"
    )
    text = json.loads(receipts[0][0])["text"]
    assert "Pro: $29.00\nPaid: $29.00\n" in text
    assert not any(word in text for word in ("None", "Number", "The invoice"))


def test_emails_go_to_the_right_people_with_the_amount(played_scenario, project):
    emails = project.rows("SELECT kind, recipients, subject FROM emails_outboundemail")
    to = Counter((kind, recipient) for kind, recipient, _ in emails)
    assert to[("receipt", "ada@example.com")] == 2
    assert to[("receipt", "bob@example.com")] == to[("payment_failed", "bob@example.com")] == 1
    assert to[("payment_failed", "cleo@example.com")] <= 1
    assert to[("payment_failed", "dora@example.com")] <= 1
    subjects = " ".join(subject for kind, _, subject in emails if kind == "receipt")
    assert "$29.00" in subjects
    assert "$34.00" in subjects  # localstripe bills the next month together with the book


def test_subscription_state_matches_localstripe(played_scenario, project, peer):
    """Even though localstripe sends no event if a first payment succeeds after all."""
    ours = dict(project.rows("SELECT id, status FROM billing_subscription"))
    theirs = {row["id"]: row["status"] for row in peer.list_all("/v1/subscriptions?status=all&")}
    assert ours == theirs
    assert project.rows("SELECT DISTINCT recurring_amount, currency FROM billing_subscription") == [(2900, "usd")]
