"""`manage.py simulate_event` and the buttons of the inbox: signed events, posted to the real receiver."""

import base64
import re

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.management import CommandError, call_command

from emails.models import DeliveryEvent, OutboundEmail, Suppression
from emails.simulation.signatures import DEVELOPMENT_KEY

STATUSES = {
    "delivered": "delivered",
    "bounced": "bounced",
    "complained": "complained",
    "opened": "delivered",
    "clicked": "delivered",
}
PUBLIC_SECRET = "whsec_ZGV2ZWxvcG1lbnQtb25seS1pbnNlY3VyZQ=="
ADDRESS = "person-0@example.com"


@pytest.fixture(autouse=True)
def development_settings(settings):
    settings.DEBUG = settings.DEVELOPMENT_ROUTES = True
    settings.ROOT_URLCONF = "emails.tests.support.development_urls"
    settings.SEQUENZY_WEBHOOK_SECRETS = settings.RESEND_WEBHOOK_SECRETS = [PUBLIC_SECRET]
    settings.SENDGRID_WEBHOOK_PUBLIC_KEYS = [public_key()]


@pytest.fixture
def simulate(live_server, capsys):
    def simulate(*arguments: str) -> str:
        call_command("simulate_event", *arguments, "--url", live_server.url)
        return str(capsys.readouterr().out)

    return simulate


def test_every_event_reaches_the_email_in_the_format_of_its_provider(
    provider, use_provider, queue_emails, deliver, simulate
):
    use_provider(provider)
    for event, status in STATUSES.items():
        [email] = queue_emails(1, requested=True)
        Suppression.objects.all().delete()
        deliver()
        output = simulate(str(email.pk), event)
        email.refresh_from_db()
        assert email.status == status
        assert f"Simulated “{event}” in {provider}'s format. The email is {status}." in output
        assert f"/dev/inbox/{email.pk}/" in output
        recorded = DeliveryEvent.objects.get(email=email)
        assert (recorded.provider, recorded.type) == (provider, event)
        is_suppressed = Suppression.objects.filter(address=ADDRESS).exists()
        assert is_suppressed == (event in ("bounced", "complained"))
        assert (f"{ADDRESS} is on the suppression list now" in output) == is_suppressed


@pytest.mark.parametrize(
    ("configured", "options", "expected"),
    [("console", [], "resend"), ("console", ["--provider", "sendgrid"], "sendgrid"), ("smtp", [], "resend")],
)
def test_email_that_no_provider_had_is_matched_by_our_id(
    settings, queue_emails, simulate, configured, options, expected
):
    [email] = queue_emails()
    OutboundEmail.objects.update(status="sent", provider=configured, sent_at=email.created_at, due_at=None)
    settings.EMAIL_PROVIDER = configured
    assert f"in {expected}'s format. The email is delivered." in simulate("latest", "delivered", *options)


def test_newest_email_is_meant_by_latest(queue_emails, deliver, simulate):
    first, *_ = queue_emails(1)
    deliver()
    [second] = queue_emails(1)
    deliver()
    simulate("latest", "delivered")
    assert OutboundEmail.objects.get(pk=first.pk).status == "sent"
    assert OutboundEmail.objects.get(pk=second.pk).status == "delivered"


@pytest.fixture
def sent(queue_emails, deliver) -> OutboundEmail:
    [email] = queue_emails()
    deliver()
    return OutboundEmail.objects.get(pk=email.pk)


ERRORS = [
    (["{id}"], "Name an email and an event: simulate_event latest bounced. The events are: delivered, bounced, compl"),
    (
        ["{id}", "exploded"],
        "Unknown event 'exploded'. The events are: delivered, bounced, complained, opened, clicked.",
    ),
    (["00000000-0000-0000-0000-000000000000", "delivered"], "There is no email with the ID '00000000-0000"),
    (["x'; DROP", "delivered"], "There is no email with the ID"),
    (["{id}", "delivered", "--provider", "mailgun"], "Unknown provider 'mailgun'. The providers are: resend, seq"),
    (["{id}", "delivered", "--provider", "sequenzy"], "Sequenzy's events name only its own IDs, and resend sent"),
    (["{id}", "delivered", "--url", "https://app.example.com"], "The server must be on this machine"),
    (["{id}", "delivered", "--url", "http://localhost@evil.example"], "The server must be on this machine"),
    (["{id}", "delivered", "--url", "nonsense"], "The server must be on this machine"),
    (["{id}", "delivered", "--url", "http://127.0.0.1:1"], "There is no server at http://127.0.0.1:1/emails/web"),
]


@pytest.mark.parametrize(("arguments", "sentence"), ERRORS)
def test_problem_is_one_sentence(sent, arguments, sentence):
    with pytest.raises(CommandError) as caught:
        call_command("simulate_event", *(argument.format(id=sent.pk) for argument in arguments))
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)
    assert not DeliveryEvent.objects.exists()


def test_impossible_events_are_refused(queue_emails, simulate, settings):
    with pytest.raises(CommandError, match=r"There are no emails yet\."):
        simulate("latest", "delivered")
    queue_emails()
    with pytest.raises(CommandError, match=r"wasn.t sent\. This one is queued\."):
        simulate("latest", "bounced")
    OutboundEmail.objects.update(status="sent", sent_at="2026-01-01T00:00:00Z", provider="resend")
    settings.RESEND_WEBHOOK_SECRETS = []
    with pytest.raises(CommandError, match=r"RESEND_WEBHOOK_SECRETS is not set"):
        simulate("latest", "bounced")
    settings.DEVELOPMENT_ROUTES = False
    with pytest.raises(CommandError, match=r"only with settings\.development"):
        simulate("latest", "bounced")


def test_server_with_another_secret_is_named(sent, simulate, monkeypatch):
    signing = ["whsec_b3RoZXI="]
    monkeypatch.setattr("emails.simulation.signatures.first_secret", lambda provider: signing[0])
    with pytest.raises(
        CommandError, match=r"responded with 401\. It accepts another secret\. Start it with the same RES"
    ):
        simulate("latest", "delivered")


def public_key() -> str:
    key = ec.derive_private_key(DEVELOPMENT_KEY, ec.SECP256R1()).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def test_public_secrets_are_these(settings):
    assert {PUBLIC_SECRET, public_key()} <= settings.PUBLIC_SECRETS


def test_buttons_post_to_the_server_that_shows_the_page(sent, live_server):
    url = f"{live_server.url}/dev/inbox/{sent.pk}/"
    with requests.Session() as browser:
        browser.trust_env = False
        [token, *_] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(url).text)
        answer = browser.post(f"{url}simulate/", {"event": "bounced", "csrfmiddlewaretoken": token}).text
        assert "Simulated “bounced” in resend&#x27;s format. The email is bounced." in answer
        assert "The receiving server rejected it." in answer
        answer = browser.post(f"{url}simulate/", {"event": "x", "csrfmiddlewaretoken": token}).text
        assert "Unknown event &#x27;x&#x27;" in answer
