"""`manage.py stripe_event`: signed, posted to a running server, and what came of it, in a sentence."""

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
MAILS = {
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
    "charge.refunded": "refund",
}
Run = Callable[..., str]


@pytest.fixture
def run(live_server, capsys) -> Run:
    def run(*arguments: str) -> str:
        url = () if "--url" in arguments else ("--url", live_server.url)
        call_command("stripe_event", *arguments, *url)
        return str(capsys.readouterr().out)

    return run


@pytest.fixture
def bare_server() -> Iterator[str]:
    """The address of a server that answers 200 and keeps nothing."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def kinds() -> list[str]:
    return [row.kind for row in OutboundEmail.objects.order_by("created_at") if row.kind != "welcome"]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_type_is_taken_and_its_mail_is_told(run, generation):
    for number, name in enumerate(testing.types(generation)):
        said = run(name, "--generation", generation, "--email", f"person-{number}@example.com")
        assert f"200 {name} evt_" in said
        kind = MAILS.get(name)
        assert said.splitlines()[-1].startswith(
            f"    {kind} to person-{number}@" if kind else "    Handled. No email was queued."
        )
    assert set(StripeEvent.objects.values_list("status", "note", "error")) == {("processed", "", "")}


def test_the_very_same_event_many_times_is_one_mail(run):
    said = run("invoice.paid", "--replay", "5")
    assert said.count("200 invoice.paid evt_") == 5
    assert StripeEvent.objects.count() == 1
    assert kinds() == ["receipt"]


def test_every_run_is_a_new_payment_of_the_same_customer(run):
    run("invoice.paid"), run("invoice.paid"), run("invoice.paid", "--email", "Ada@Example.com")
    assert kinds() == ["receipt"] * 3
    assert Customer.objects.count() == 1


def test_a_users_events_are_theirs(run, live_server):
    ada = User.objects.create_user("ada@own.example", name="Ada")
    run("customer.subscription.created", "--email", "ada@own.example")
    run("invoice.paid", "--email", "ada@own.example")
    assert Subscription.objects.of(ada.pk).get().plan_name == "Pro"
    assert Payment.objects.get().user == ada
    assert OutboundEmail.objects.get(kind="receipt").metadata == {"user_id": str(ada.pk)}


def test_who_signs_up_later_gets_what_was_told_of_the_address(run):
    run("invoice.paid", "--email", "ada@own.example")
    ada = User.objects.create_user("ada@own.example")
    run("customer.subscription.updated", "--email", "ada@own.example")
    assert Customer.objects.get().user == ada
    assert Payment.objects.of(ada.pk).count() == 1


def test_an_end_is_that_of_the_running_subscription_and_the_next_is_another(run):
    for name in ("created", "deleted", "created"):
        run(f"customer.subscription.{name}")
    assert sorted(Subscription.objects.values_list("status", flat=True)) == ["active", "canceled"]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_an_invoice_after_a_checkout_is_the_one_that_it_made(run, generation):
    run("checkout.session.completed", "--generation", generation)
    run("invoice.paid", "--generation", generation)
    expected = StripeEvent.objects.exclude(expects_invoice="").get().expects_invoice
    assert Payment.objects.get().stripe_id == expected
    assert Subscription.objects.get().status == "active"


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_refund_is_of_the_last_payment(run, generation):
    run("invoice.paid", "--generation", generation)
    said = run("refund.created", "--generation", generation, "--amount", "1000")
    assert "10.00 USD" in OutboundEmail.objects.get(kind="refund").subject
    assert Payment.objects.get().amount_refunded == 1000
    assert "receipt" not in said


def test_the_amount_is_charged_in_its_currency(run):
    run("invoice.paid", "--amount", "500", "--currency", "JPY")
    assert "500 JPY" in OutboundEmail.objects.get(kind="receipt").subject


def test_a_mail_is_seen_in_the_admin_where_there_is_no_inbox(run, live_server):
    said = run("invoice.paid")
    assert f"{live_server.url}/admin/emails/outboundemail/{OutboundEmail.objects.get().pk}/change/" in said


def test_what_the_server_broke_on_is_told(run, settings):
    settings.DEFAULT_FROM_EMAIL = "no address"
    said = run("invoice.paid")
    assert "    failed: our own code failed on it; it will be retried. emails.errors.InvalidMessage: " in said


def test_a_server_with_another_database(run, bare_server):
    assert "isn't in this database" in run("invoice.paid", "--url", bare_server)


@pytest.mark.parametrize(
    ("arguments", "said"),
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
)  # fmt: skip
def test_what_cannot_be_is_named(run, arguments, said):
    with pytest.raises(CommandError, match=said):
        run(*arguments)
    assert not StripeEvent.objects.exists()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (
            "/emails/webhooks/sendgrid/",
            "responded with 503: This receiver isn't set up. See the server's log for details.",
        ),
        ("/stripe/webhooks", "responded with 404: Not Found. Check that the server runs this project."),
        ("/admin", "responded with 30[12]: .*Stripe doesn't follow redirects. This one leads to /admin/"),
    ],
)
def test_what_a_server_refuses_comes_with_what_to_do(run, live_server, path, said):
    with pytest.raises(CommandError, match=said):
        run("invoice.paid", "--url", live_server.url + path)


def test_a_server_that_knows_another_host_or_secret(run, settings):
    settings.ALLOWED_HOSTS = ["app.example.com"]
    with pytest.raises(
        CommandError, match=r"responded with 400: .* the same STRIPE_WEBHOOK_SECRETS and .* ALLOWED_HOSTS"
    ):
        run("invoice.paid")


def test_without_a_secret_nothing_is_signed(run, settings):
    settings.STRIPE_WEBHOOK_SECRETS = []
    with pytest.raises(CommandError, match="STRIPE_WEBHOOK_SECRETS is not set"):
        run("invoice.paid")


def test_where_live_payments_are_taken_it_must_be_meant(run, settings):
    settings.STRIPE_LIVEMODE = True
    with pytest.raises(CommandError, match=r"accepts live payments.* add --yes"):
        run("invoice.paid")
    run("invoice.paid", "--yes")
    assert kinds() == ["receipt"]


def test_a_database_that_was_never_migrated_and_the_exit_code(tmp_path):
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path}/new.sqlite3", "STRIPE_WEBHOOK_SECRETS": "whsec_x"}
    command = [sys.executable, "manage.py", "stripe_event", "invoice.paid"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "If it hasn't been migrated" in done.stderr
    assert "Traceback" not in done.stderr
