"""Writes the demo rows, in transactions of a few hundred people or a thousand emails."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from random import Random
from typing import TypeVar

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from accounts.models import Login, User
from common.db import database_now
from emails.models import AttemptedEmail, DeliveryAttempt, DeliveryEvent, OutboundEmail, Suppression
from operations.demo import money
from operations.demo.occasions import Occasion, account_occasions, digests
from operations.demo.outcomes import Mail, PostOffice
from operations.demo.people import Person, logins_of, operator, people
from operations.demo.progress import Progress
from operations.rollups.hours import forget_counts
from operations.rollups.tasks import count_by_hour

Row = TypeVar("Row")
SEED = 1843  # the same people and mishaps in every run
PEOPLE_AT_A_TIME, EMAILS_AT_A_TIME = 250, 1000
LOG_ENTRIES = 40


def seed(people_count: int, email_count: int, progress: Progress) -> None:
    """Write the rows. The database must not contain demo rows."""
    random, now = Random(SEED), database_now()
    everybody = list(people(people_count, now, random))
    occasions = [*write_people(everybody, now, random, progress)]
    occasions += digests(everybody, now, email_count - len(occasions))
    write_emails(occasions[:email_count], now, random, progress)
    write_log(everybody, random)
    forget_counts()
    count_by_hour()  # otherwise the charts would stay empty for a minute


def write_people(everybody: Sequence[Person], now: datetime, random: Random, progress: Progress) -> Iterator[Occasion]:
    """Write the people with their logins and payments, and yield what causes emails."""
    bookkeeper = money.Bookkeeper(now, random)
    progress.start("People", len(everybody))
    for some in parts(everybody, PEOPLE_AT_A_TIME):
        with transaction.atomic():
            logins = [login for person in some for login in logins_of(person, now, random)]
            User.objects.bulk_create([person.user for person in some])
            Login.objects.bulk_create(logins)
            ledger = money.merge([bookkeeper.ledger_of(person) for person in some])
            money.insert(ledger)
        for person in some:
            yield from account_occasions(person, now, random)
        yield from ledger.occasions
        progress.advance(len(some))
    progress.finish()


def write_emails(occasions: Sequence[Occasion], now: datetime, random: Random, progress: Progress) -> None:
    office = PostOffice(now, random)
    progress.start("Emails", len(occasions))
    for some in parts(sorted(occasions, key=lambda occasion: occasion.at), EMAILS_AT_A_TIME):
        for occasion in some:
            office.deliver(occasion)
        insert(office.take())
        progress.advance(len(some))
    progress.finish()


@transaction.atomic
def insert(mail: Mail) -> None:
    OutboundEmail.objects.bulk_create(mail.emails)
    DeliveryAttempt.objects.bulk_create(mail.attempts)
    AttemptedEmail.objects.bulk_create(mail.attempted)
    DeliveryEvent.objects.bulk_create(mail.events)
    Suppression.objects.bulk_create(mail.suppressions)


@transaction.atomic
def write_log(everybody: Sequence[Person], random: Random) -> None:
    """Write what a member of staff did to some of the people."""
    staff = operator(database_now())
    User.objects.bulk_create([staff])
    content_type = ContentType.objects.get_for_model(User)
    for person in random.sample([*everybody], min(LOG_ENTRIES, len(everybody))):
        LogEntry.objects.create(
            user=staff,
            content_type=content_type,
            object_id=str(person.user.pk),
            object_repr=str(person.user),
            action_flag=CHANGE,
            change_message=random.choice(["Sent a reset link.", "Verified the email address.", "Changed name."]),
        )


def parts(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
