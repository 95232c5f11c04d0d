"""Posts a sample event to a running server, signed as Stripe would."""

import json
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
from django.core.management import CommandError

from billing.testing import SampleEvent
from billing.webhook import signatures

PATH = "/stripe/webhook"
TIMEOUT = 30  # seconds, as in `stripe listen`


@dataclass(frozen=True, slots=True)
class Target:
    """The webhook's URL, and the secret that signs the events."""

    url: str
    secret: str

    @property
    def site(self) -> str:
        return self.url.removesuffix(urlsplit(self.url).path)


def post(event: SampleEvent, target: Target) -> int:
    """Post the event and return the status code, which is a 2xx. Raises ``CommandError`` with advice for any other."""
    body = json.dumps(event, indent=2, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signatures.sign(body, target.secret, at=time.time()),
    }
    with requests.Session() as session:
        session.trust_env = False  # a configured proxy often can't reach this machine
        try:
            response = session.post(target.url, body, headers=headers, timeout=TIMEOUT, allow_redirects=False)
        except requests.Timeout:
            raise CommandError(f"{target.url} did not respond within {TIMEOUT} seconds. Check its log.") from None
        except requests.RequestException:
            raise CommandError(f"There is no server at {target.url}. Start bin/dev, or set --url or PORT.") from None
    if not 200 <= response.status_code < 300:
        problem = f"{target.url} responded with {response.status_code}: {detail_of(response).rstrip('.')}."
        raise CommandError(f"{problem} {advice(response)}")
    return response.status_code


def detail_of(response: requests.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return response.reason or ""


def advice(response: requests.Response) -> str:
    status = response.status_code
    if 300 <= status < 400:
        return f"Stripe doesn't follow redirects. This one leads to {response.headers.get('Location', 'nowhere')}."
    if status == 400:
        return "Check that the server uses the same STRIPE_WEBHOOK_SECRETS and has this host in ALLOWED_HOSTS."
    if status == 404:
        return f"Check that the server runs this project. Events go to {PATH}."
    return "See the server's log for details."
