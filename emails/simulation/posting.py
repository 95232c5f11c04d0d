"""Chooses the provider's format for an event, signs it, and posts it to the receiver over HTTP."""

import json
import time
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

import requests
from django.conf import settings

from common.db import database_now
from common.local_requests import LOCAL_HOST_HEADER
from emails.backends import PROVIDERS, configured_provider
from emails.errors import EmailsError
from emails.models import OutboundEmail
from emails.simulation.payloads import BUILDERS, TYPES
from emails.simulation.signatures import SIGNERS
from emails.tracking.suppressions import suppressed_among
from emails.webhooks.views import RECEIVERS

TIMEOUT = 20  # seconds
# The format for emails that no provider had, as with EMAIL_PROVIDER=console: its events name our own ID.
DEFAULT_FORMAT = "resend"
LATEST = "latest"


class SimulationError(EmailsError):
    """Nothing was simulated. The message says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What the receiver answered, and what became of the email."""

    provider: str
    event: str
    is_new: bool
    status: str
    suppressed: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        known = "" if self.is_new else " The receiver already had this event, so nothing changed."
        whom = ", ".join(self.suppressed)
        stopped = f" {whom} is on the suppression list now, so it gets no more email like this." if whom else ""
        return f"Simulated “{self.event}” in {self.provider}'s format. The email is {self.status}.{known}{stopped}"


def find_email(identifier: str) -> OutboundEmail:
    """Return the email with this ID, or the newest one for ``latest``. Raises ``SimulationError``."""
    if identifier == LATEST:
        newest = OutboundEmail.objects.first()
        if newest is None:
            raise SimulationError("There are no emails yet. Sign up a user, and then try again.")
        return newest
    try:
        found = OutboundEmail.objects.filter(pk=UUID(identifier)).first()
    except ValueError:
        found = None
    if found is None:
        raise SimulationError(
            f"There is no email with the ID {identifier!r}. Use “{LATEST}”, or an ID from /dev/inbox/."
        )
    return found


def simulate(email: OutboundEmail, event: str, *, url: str, provider: str = "") -> Simulated:
    """Post an event about the email to the server at ``url``. Raises ``SimulationError``."""
    if event not in TYPES:
        raise SimulationError(f"Unknown event {event!r}. The events are: {', '.join(TYPES)}.")
    provider = provider_for(email, provider)
    refuse_impossible(email, provider)
    receiver = f"{server_of(url)}/emails/webhooks/{provider}/"
    body = json.dumps(BUILDERS[provider](email, event, database_now()), ensure_ascii=False).encode()
    new = post(receiver, body, provider)
    email.refresh_from_db()
    suppressed = suppressed_among(email.recipients.lower().split(), email.kind)
    return Simulated(provider, event, new > 0, email.status, tuple(sorted(suppressed)))


def provider_for(email: OutboundEmail, provider: str) -> str:
    """Return whose format to use: the chosen one, that of the provider that had the email, or the configured one."""
    if provider and provider not in BUILDERS:
        raise SimulationError(f"Unknown provider {provider!r}. The providers are: {', '.join(BUILDERS)}.")
    if provider or email.provider in PROVIDERS:
        return provider or email.provider
    # Sequenzy's events name only Sequenzy's own ID, which this email doesn't have.
    configured = configured_provider()
    return configured if configured in PROVIDERS and configured != "sequenzy" else DEFAULT_FORMAT


def refuse_impossible(email: OutboundEmail, provider: str) -> None:
    """Raise ``SimulationError`` if this provider could not report such an event about the email."""
    if not settings.DEVELOPMENT_ROUTES:
        raise SimulationError("Events can be simulated only with settings.development: they change real records.")
    if email.sent_at is None:
        raise SimulationError(
            f"No provider reports events about an email that wasn't sent. This one is {email.status}."
        )
    if provider == "sequenzy" and not (email.provider == provider and email.provider_message_id):
        raise SimulationError(
            f"Sequenzy's events name only its own IDs, and {email.provider or 'another provider'} sent this email. "
            "Use the format of resend."
        )
    receiver = RECEIVERS[provider]
    if not receiver.secrets:
        raise SimulationError(f"{receiver.variable} is not set, so there is nothing to sign with.")


def server_of(url: str) -> str:
    """Return the URL of the server without a path. Raises ``SimulationError`` unless it is on this machine."""
    try:
        parts = urlsplit(url)
        is_local = parts.scheme in ("http", "https") and LOCAL_HOST_HEADER.fullmatch(parts.netloc) is not None
        is_local = is_local and (parts.port is None or parts.port > 0)
    except ValueError:
        is_local = False
    if not is_local:
        raise SimulationError(f"The server must be on this machine, such as http://localhost:8000, not {url!r}.")
    return f"{parts.scheme}://{parts.netloc}"


def post(receiver: str, body: bytes, provider: str) -> int:
    """Post the event and return how many events were new. Raises ``SimulationError``."""
    headers = SIGNERS[provider](body, str(int(time.time())))
    with requests.Session() as session:
        session.trust_env = False  # a configured proxy often can't reach this machine
        try:
            response = session.post(
                receiver,
                body,
                headers={"Content-Type": "application/json", **headers},
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.Timeout:
            raise SimulationError(f"{receiver} did not respond within {TIMEOUT} seconds. Check its log.") from None
        except requests.RequestException:
            raise SimulationError(f"There is no server at {receiver}. Start bin/dev, or set --url or PORT.") from None
    if response.status_code != 200:
        raise SimulationError(f"{receiver} responded with {response.status_code}. {advice(response, provider)}")
    try:
        return int(response.json()["new"])
    except (ValueError, KeyError, TypeError):
        raise SimulationError(f"{receiver} gave an unexpected answer. Is it this project?") from None


def advice(response: requests.Response, provider: str) -> str:
    variable = RECEIVERS[provider].variable
    if response.status_code == 401:
        return f"It accepts another secret. Start it with the same {variable} as this command."
    if response.status_code == 503:
        return f"It isn't set up, or its database is down. Check {variable} and its log."
    if response.status_code == 404:
        return "Check that the server runs this project with settings.development."
    return "See its log for details."
