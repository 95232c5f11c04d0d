"""The clock of this machine, compared with the database's and with that of the services that it calls."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import requests
from django.conf import settings

from common.redaction import redact
from emails.backends import PROVIDERS, configured_provider
from operations.doctor import databases
from operations.doctor.checks import Check, Trouble, serious, warning
from operations.doctor.questions import Question

CALL_SECONDS = 4
NOTICEABLE = timedelta(seconds=5)
HARMFUL = timedelta(seconds=60)  # Stripe's signatures and the providers' are refused after 5 minutes
FIX = "Let a time service such as chrony or systemd-timesyncd set the clocks."


@dataclass(frozen=True, slots=True)
class Response:
    """``skew``: how far the service's clock is ahead of ours. None: it sent no date."""

    skew: timedelta | None


def services() -> dict[str, str]:
    """Return the URLs of the services that this installation calls, by the variable of each."""
    found = {}
    if configured_provider() in PROVIDERS:
        name = f"{configured_provider().upper()}_API_URL"
        found[name] = getattr(settings, name)
    if settings.STRIPE_SECRET_KEY:
        found["STRIPE_API_URL"] = settings.STRIPE_API_URL
    return found


def call(url: str) -> Response:
    """Send a request without a key. Any response shows that the service can be reached."""
    before = datetime.now(UTC)
    response = requests.head(url, timeout=CALL_SECONDS, allow_redirects=False)
    middle = before + (datetime.now(UTC) - before) / 2
    try:
        date = parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError):
        return Response(None)
    return Response(date - middle.replace(microsecond=0) if date.tzinfo else None)


def checks(database: Question[databases.Facts], questions: dict[str, Question[Response]]) -> Iterator[Check]:
    yield Check("clock.database", "the database's clock", lambda: database_clock(database))
    for name, question in questions.items():
        yield Check("network.service", name, service(question, services()[name]))
        yield Check("clock.service", name, service_clock(question))


def database_clock(question: Question[databases.Facts]) -> Iterator[Trouble]:
    try:
        skew = question.answer().skew
    except Exception:  # reported by the check of the connection
        return
    yield from troubles_with(skew, "The database's clock")


def service(question: Question[Response], url: str) -> Callable[[], Iterator[Trouble]]:
    def troubles() -> Iterator[Trouble]:
        try:
            question.answer()
        except (requests.RequestException, TimeoutError) as failure:
            kind = "it doesn't respond" if isinstance(failure, requests.Timeout | TimeoutError) else reason(failure)
            yield serious(
                f"{url} can't be reached from here: {kind}.",
                "Allow outgoing HTTPS connections, check the name server, and correct the URL if it was changed.",
            )

    return troubles


def reason(failure: Exception) -> str:
    text = redact(str(failure))
    for words, meaning in {"resolve": "its name is unknown", "refused": "the connection is refused"}.items():
        if words in text:
            return meaning
    return "its certificate isn't trusted" if "CERTIFICATE" in text else type(failure).__name__


def service_clock(question: Question[Response]) -> Callable[[], Iterator[Trouble]]:
    def troubles() -> Iterator[Trouble]:
        try:
            skew = question.answer().skew
        except Exception:  # reported by the check above
            return
        if skew is not None:
            yield from troubles_with(skew, "Its clock")

    return troubles


def troubles_with(skew: timedelta, clock: str) -> Iterator[Trouble]:
    """Yield a trouble if two clocks differ by more than a few seconds."""
    if abs(skew) > NOTICEABLE:
        trouble = serious if abs(skew) > HARMFUL else warning
        direction = "ahead of" if skew > timedelta() else "behind"
        yield trouble(f"{clock} is {abs(skew).total_seconds():.0f} seconds {direction} this machine's.", FIX)
