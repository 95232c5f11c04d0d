"""What is delivered: mail, and changes of contacts. Which rows of each wait, and which calls carry them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from emails.backends import configured_provider, contacts_provider, get_backend, get_contacts
from emails.backends.base import Caller, DeliveryBackend, Request
from emails.backends.contacts import SequenzyContacts
from emails.delivery.preparation import Ending, Part, batches, prepare, prepare_change
from emails.models import ContactChange, OutboundEmail, Work
from emails.models.querysets import WorkQuerySet
from emails.tracking.suppressions import suppressed_among

MOST_ROWS = 500  # to claim at once: the calls of the first begin while the next are built


class Queue(ABC):
    """Rows that wait to be told to one provider."""

    backend: Caller
    carries_contacts = False

    @abstractmethod
    def rows(self) -> WorkQuerySet[Any]:
        """Those of which the due ones may be claimed."""

    def most_rows(self, calls: int) -> int:
        """How many to claim for that many calls."""
        return min(calls, MOST_ROWS)

    @abstractmethod
    def prepared(self, rows: Sequence[Any], now: datetime) -> Iterator[tuple[Work, Part | Ending]]:
        """Each row with what it contributes to a call, or why it ends without one."""

    @abstractmethod
    def requests(self, parts: Iterable[Part]) -> Iterator[tuple[Sequence[Any], Request]]:
        """The calls, each with its rows."""


class MailQueue(Queue):
    def __init__(self, backend: DeliveryBackend) -> None:
        self.backend = self.mail_backend = backend

    def rows(self) -> WorkQuerySet[OutboundEmail]:
        return OutboundEmail.objects.all()

    def most_rows(self, calls: int) -> int:
        return min(calls * self.mail_backend.batch_limit, MOST_ROWS)

    def prepared(self, rows: Sequence[OutboundEmail], now: datetime) -> Iterator[tuple[Work, Part | Ending]]:
        suppressed = suppressed_among(address for row in rows for address in row.recipients.split())
        for row in rows:
            yield row, prepare(row, self.mail_backend, suppressed, now)

    def requests(self, parts: Iterable[Part]) -> Iterator[tuple[Sequence[OutboundEmail], Request]]:
        for batch in batches(parts, self.mail_backend):
            yield [part.row for part in batch], self.mail_backend.request([part.body for part in batch])


class ContactQueue(Queue):
    carries_contacts = True

    def __init__(self, backend: SequenzyContacts) -> None:
        self.backend = self.contacts = backend

    def rows(self) -> WorkQuerySet[ContactChange]:
        return ContactChange.objects.next_of_each_contact()

    def prepared(self, rows: Sequence[ContactChange], now: datetime) -> Iterator[tuple[Work, Part | Ending]]:
        for row in rows:
            yield row, prepare_change(row, self.contacts)

    def requests(self, parts: Iterable[Part]) -> Iterator[tuple[Sequence[ContactChange], Request]]:
        for part in parts:
            yield [part.row], Request(part.endpoint, part.body)


def queues_of(provider: str) -> list[Queue]:
    """What is handed to the provider today; mail comes first. Raises ImproperlyConfigured with what to set."""
    queues: list[Queue] = []
    if provider == configured_provider():
        queues.append(MailQueue(get_backend(provider)))
    if provider == contacts_provider():
        queues.append(ContactQueue(get_contacts()))
    return queues
