"""The command `manage.py stripe_event`: sign an event, post it to a running server, and report the result."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from billing import testing
from billing.models import Customer, Payment, StripeEvent, Subscription
from billing.tests.support.stripe_events import GENERATIONS
from emails.models import OutboundEmail

ROOT = Path(__file__).resolve().parent.parent.parent
KIND_OF_EMAIL = {
    "checkout.session.async_payment_succeeded": "receipt",
    "checkout.session.async_payment_failed": "checkout_failed",
    "invoice.paid": "receipt",
    "invoice.payment_succeeded": "receipt",
    "invoice.payment_failed": "payment_failed",
    "invoice.payment_action_required": "payment_action_required",
    "customer.subscription.trial_will_end": "trial_ending",
    "customer.subscription.deleted": "subscription_ended",
    "refund.created": "refund",
    "refund.updated": "refund",
    "charge.refund.updated": "refund",
    "charge.refunded": "refund",
}
Run = Callable[..., str]


@pytest.fixture
def run_stripe_event(live_server, capsys) -> Run:
    def run_stripe_event(*arguments: str) -> str:
        url = () if "--url" in arguments else ("--url", live_server.url)
        call_command("stripe_event", *arguments, *url)
        return str(capsys.readouterr().out)

    return run_stripe_event


@pytest.fixture
def bare_server() -> Iterator[str]:
    """The URL of a server that responds 200 and stores nothing."""

    class AcceptAll(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), AcceptAll) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def kinds() -> list[str]:
    return [row.kind for row in OutboundEmail.objects.order_by("created_at") if row.kind != "welcome"]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_type_is_accepted_and_its_email_named(run_stripe_event, generation):
    for number, name in enumerate(testing.types(generation)):
        output = run_stripe_event(name, "--generation", generation, "--email", f"person-{number}@example.com")
        assert f"200 {name} evt_" in output
        kind = KIND_OF_EMAIL.get(name)
        assert output.splitlines()[-1].startswith(
            f"    {kind} to person-{number}@" if kind else "    Handled. No email was queued."
        )
    assert set(StripeEvent.objects.values_list("status", "note", "error")) == {("processed", "", "")}


def test_replayed_event_sends_one_email(run_stripe_event):
    output = run_stripe_event("invoice.paid", "--replay", "5")
    assert output.count("200 invoice.paid evt_") == 5
    assert StripeEvent.objects.count() == 1
    assert kinds() == ["receipt"]


def test_every_run_is_a_new_payment_of_the_same_customer(run_stripe_event):
    (
        run_stripe_event("invoice.paid"),
        run_stripe_event("invoice.paid"),
        run_stripe_event("invoice.paid", "--email", "Ada@Example.com"),
    )
    assert kinds() == ["receipt"] * 3
    assert Customer.objects.count() == 1


def test_events_are_linked_to_the_user(run_stripe_event, live_server):
    ada = User.objects.create_user("ada@own.example", name="Ada")
    run_stripe_event("customer.subscription.created", "--email", "ada@own.example")
    run_stripe_event("invoice.paid", "--email", "ada@own.example")
    assert Subscription.objects.of(ada.pk).get().plan_name == "Pro"
    assert Payment.objects.get().user == ada
    assert OutboundEmail.objects.get(kind="receipt").metadata["user_id"] == str(ada.pk)


def test_later_signup_is_linked_to_earlier_events(run_stripe_event):
    run_stripe_event("invoice.paid", "--email", "ada@own.example")
    ada = User.objects.create_user("ada@own.example")
    run_stripe_event("customer.subscription.updated", "--email", "ada@own.example")
    assert Customer.objects.get().user == ada
    assert Payment.objects.of(ada.pk).count() == 1


def test_deleted_event_ends_the_running_subscription(run_stripe_event):
    for name in ("created", "deleted", "created"):
        run_stripe_event(f"customer.subscription.{name}")
    assert sorted(Subscription.objects.values_list("status", flat=True)) == ["active", "canceled"]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_invoice_after_checkout_is_the_expected_one(run_stripe_event, generation):
    run_stripe_event("checkout.session.completed", "--generation", generation)
    run_stripe_event("invoice.paid", "--generation", generation)
    expected = StripeEvent.objects.exclude(expects_invoice="").get().expects_invoice
    assert Payment.objects.get().stripe_id == expected
    assert Subscription.objects.get().status == "active"


@pytest.mark.parametrize("generation", GENERATIONS)
def test_refund_is_for_the_last_payment(run_stripe_event, generation):
    run_stripe_event("invoice.paid", "--generation", generation)
    output = run_stripe_event("refund.created", "--generation", generation, "--amount", "1000")
    assert "$10.00" in OutboundEmail.objects.get(kind="refund").subject
    assert Payment.objects.get().amount_refunded == 1000
    assert "receipt" not in output


def test_amount_and_currency_can_be_chosen(run_stripe_event):
    run_stripe_event("invoice.paid", "--amount", "500", "--currency", "JPY")
    assert "¥500" in OutboundEmail.objects.get(kind="receipt").subject


def test_email_link_points_to_admin_without_inbox(run_stripe_event, live_server):
    output = run_stripe_event("invoice.paid")
    assert f"{live_server.url}/admin/emails/outboundemail/{OutboundEmail.objects.get().pk}/change/" in output


def test_server_error_is_reported(run_stripe_event, settings):
    settings.DEFAULT_FROM_EMAIL = "no address"
    output = run_stripe_event("invoice.paid")
    assert "    failed: our own code failed on it; it will be retried. emails.errors.InvalidMessage: " in output


def test_server_with_other_database_is_explained(run_stripe_event, bare_server):
    assert "isn't in this database" in run_stripe_event("invoice.paid", "--url", bare_server)


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["invoice.nonsense"], "Unknown event type 'invoice.nonsense'. The available types are: checkout"),
        ([], "Name an event type. The available types are: "),
        (["invoice_payment.paid", "--generation", "old"], "Unknown event type 'invoice_payment.paid'"),
        (["invoice.paid", "--generation", "2020"], "--generation takes new or old, not '2020'"),
        (["invoice.paid", "--amount", "29.00"], "--amount takes a whole number from 0 to 99999999, not '29.00'"),
        (["invoice.paid", "--amount", "-1"], "--amount takes a whole number"),
        (["invoice.paid", "--currency", "dollar"], "--currency takes three letters, such as usd, not 'dollar'"),
        (["invoice.paid", "--email", "ada at example"], "--email takes one email address"),
        (["invoice.paid", "--replay", "0"], "--replay takes a whole number from 1 to 1000"),
        (["invoice.paid", "--url", "localhost:8000"], "--url takes a URL such as http://127.0.0.1:8000"),
        (["invoice.paid", "--url", "http://127.0.0.1:1"], "There is no server at http://127.0.0.1:1/stripe/webhook."),
    ],
)
def test_invalid_argument_is_named(run_stripe_event, arguments, output):
    with pytest.raises(CommandError, match=output):
        run_stripe_event(*arguments)
    assert not StripeEvent.objects.exists()


@pytest.mark.parametrize(
    ("path", "output"),
    [
        (
            "/emails/webhooks/sendgrid/",
            "responded with 503: This receiver isn't set up. See the server's log for details.",
        ),
        ("/stripe/webhooks", "responded with 404: Not Found. Check that the server runs this project."),
        ("/admin", "responded with 30[12]: .*Stripe doesn't follow redirects. This one leads to /admin/"),
    ],
)
def test_refusal_by_server_comes_with_advice(run_stripe_event, live_server, path, output):
    with pytest.raises(CommandError, match=output):
        run_stripe_event("invoice.paid", "--url", live_server.url + path)


def test_other_host_or_secret_comes_with_advice(run_stripe_event, settings):
    settings.ALLOWED_HOSTS = ["app.example.com"]
    with pytest.raises(
        CommandError, match=r"responded with 400: .* the same STRIPE_WEBHOOK_SECRETS and .* ALLOWED_HOSTS"
    ):
        run_stripe_event("invoice.paid")


def test_missing_secret_is_named(run_stripe_event, settings):
    settings.STRIPE_WEBHOOK_SECRETS = []
    with pytest.raises(CommandError, match="STRIPE_WEBHOOK_SECRETS is not set"):
        run_stripe_event("invoice.paid")


def test_live_mode_requires_confirmation(run_stripe_event, settings):
    settings.STRIPE_LIVEMODE = True
    with pytest.raises(CommandError, match=r"accepts live payments.* add --yes"):
        run_stripe_event("invoice.paid")
    run_stripe_event("invoice.paid", "--yes")
    assert kinds() == ["receipt"]


def test_unmigrated_database_exits_with_an_explanation(tmp_path):
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path}/new.sqlite3", "STRIPE_WEBHOOK_SECRETS": "whsec_x"}
    command = [sys.executable, "manage.py", "stripe_event", "invoice.paid"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "If it hasn't been migrated" in done.stderr
    assert "Traceback" not in done.stderr
