"""The made-up people, and when they logged in."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from accounts.models import Login, User
from operations.demo.marks import DOMAINS, PASSWORD

FIRST_NAMES = (
    "Ada",
    "Alan",
    "Amina",
    "Barbara",
    "Bashir",
    "Carla",
    "Claude",
    "Dorothy",
    "Edsger",
    "Elif",
    "Emma",
    "Farid",
    "Felix",
    "Grace",
    "Hanna",
    "Hedy",
    "Ivan",
    "Jonas",
    "Katherine",
    "Lea",
    "Linus",
    "Margaret",
    "Mei",
    "Noor",
    "Olga",
    "Priya",
    "Radia",
    "Samuel",
    "Sofia",
    "Tariq",
)
LAST_NAMES = (
    "Adler",
    "Baker",
    "Bartik",
    "Bauer",
    "Carter",
    "Chen",
    "Demir",
    "Diaz",
    "Fischer",
    "Garcia",
    "Hamilton",
    "Huber",
    "Ito",
    "Jansen",
    "Keller",
    "Lamarr",
    "Lovelace",
    "Meyer",
    "Nguyen",
    "Okafor",
    "Patel",
    "Perlman",
    "Quinn",
    "Richter",
    "Rossi",
    "Sato",
    "Schmidt",
    "Silva",
    "Vogel",
    "Weber",
)
BROWSERS = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
)
HISTORY = timedelta(days=84)
MAX_LOGINS = 8
MONTH = timedelta(days=30)


class Story(StrEnum):
    """What becomes of a person's subscription."""

    NONE = "none"
    TRIAL = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    ENDED = "canceled"


# Of 100 people.
STORIES = {Story.NONE: 58, Story.TRIAL: 7, Story.ACTIVE: 27, Story.PAST_DUE: 2, Story.ENDED: 6}


@dataclass(slots=True)
class Person:
    """A person and the facts that their emails and payments follow from. ``user`` has its key once it is stored."""

    number: int
    user: User
    story: Story
    bounces: bool  # the address doesn't exist
    complains: bool  # the person reports one email as spam

    @property
    def joined_at(self) -> datetime:
        return self.user.date_joined


def people(count: int, now: datetime, random: Random) -> Iterator[Person]:
    """Yield the people in the order in which they signed up. More of them signed up lately."""
    for number in range(1, count + 1):
        share = ((number - random.random()) / count) ** 0.7
        joined_at = now - HISTORY + share * (HISTORY - timedelta(hours=1))
        bounces = random.random() < 0.012
        story = Story.NONE if bounces else story_of(random, now - joined_at)
        user = user_of(number, joined_at, random, is_verified=not bounces)
        yield Person(number, user, story, bounces, complains=random.random() < 0.004)


def story_of(random: Random, age: timedelta) -> Story:
    story = random.choices([*STORIES], weights=[*STORIES.values()])[0]
    # Only those who have been here for a month can have stopped paying.
    return Story.TRIAL if story in (Story.PAST_DUE, Story.ENDED) and age < MONTH else story


def user_of(number: int, joined_at: datetime, random: Random, *, is_verified: bool) -> User:
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    language = random.choices(["en", "de"], weights=[4, 1])[0]
    is_verified = is_verified and random.random() < 0.95
    return User(
        email=f"{first}.{last}.{number}@{random.choice(DOMAINS)}".lower(),
        name=f"{first} {last}",
        language=language,
        password=f"{PASSWORD}-{number}",
        date_joined=joined_at,
        email_verified_at=joined_at + timedelta(minutes=random.randint(1, 90)) if is_verified else None,
    )


def operator(now: datetime) -> User:
    """Return the member of staff who did what the admin's log shows."""
    return User(
        email=f"grace@{DOMAINS[0]}",
        name="Grace Hopper",
        password=f"{PASSWORD}-0",
        is_staff=True,
        date_joined=now - HISTORY,
        email_verified_at=now - HISTORY,
    )


def logins_of(person: Person, now: datetime, random: Random) -> list[Login]:
    """Return the person's logins, and set when they last logged in."""
    if not person.user.email_verified_at:
        return []
    first = person.user.email_verified_at
    moments = sorted(first + random.random() * (now - first) for _ in range(random.randint(1, MAX_LOGINS)))
    person.user.last_login = moments[-1]
    browser = random.choice(BROWSERS)
    return [
        Login(user=person.user, at=at, client_address=f"203.0.113.{random.randint(1, 254)}", user_agent=browser)
        for at in moments
    ]
