"""What causes the emails of a demo person: signing up, a new password, a payment, a digest that is due."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from common.money import Amount
from operations.demo.people import HISTORY, Person

DIGEST = ""  # an email of the product's own, without a kind
DIGEST_INTERVAL = timedelta(days=3)
BETWEEN_DIGESTS = timedelta(milliseconds=100)


@dataclass(frozen=True, slots=True)
class Occasion:
    """One email: why, when, and with what. ``kind`` is empty for a digest."""

    person: Person
    at: datetime
    kind: str
    key: str | None = None
    amount: Amount | None = None
    number: str = ""


def account_occasions(person: Person, now: datetime, random: Random) -> Iterator[Occasion]:
    """Yield the emails about the account: the welcome, and for some people a new password."""
    yield Occasion(person, person.joined_at, "welcome", f"welcome:{person.user.pk}")
    if not person.user.email_verified_at or random.random() > 0.15:
        return
    at = person.joined_at + random.random() * (now - person.joined_at)
    yield Occasion(person, at, "password_reset")
    if random.random() < 0.8 and at + timedelta(minutes=4) < now:
        yield Occasion(person, at + timedelta(minutes=4), "password_changed")


def digests(people: list[Person], now: datetime, count: int) -> Iterator[Occasion]:
    """Yield at most this number of digests, the newest ones first. Each goes to everybody within a few minutes."""
    at = last_morning(now)
    while count > 0 and at > now - HISTORY:
        for person in people:
            moment = at + person.number * BETWEEN_DIGESTS
            if count > 0 and person.joined_at < at and person.user.email_verified_at and moment < now:
                yield Occasion(person, moment, DIGEST, f"digest:{person.user.pk}:{at:%Y-%m-%d}")
                count -= 1
        at -= DIGEST_INTERVAL


def last_morning(now: datetime) -> datetime:
    """Return the last 8:00 before now."""
    morning = now.replace(hour=8, minute=0, second=0, microsecond=0)
    return morning if morning < now else morning - timedelta(days=1)
