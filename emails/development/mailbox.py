"""Which emails the inbox lists: the words of the search field, and the filters of /dev/inbox.json."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from emails.errors import InvalidMessage
from emails.folders import folders
from emails.message import Address
from emails.models import OutboundEmail

DEFAULT_LIMIT, MAX_LIMIT = 200, 1000
MAX_SEARCH = 200  # characters
PARAMETERS = ("to", "kind", "since", "limit")
SECONDS = re.compile(r"\d{1,12}(?:\.\d{1,6})?", re.ASCII)
# A "+" in a query string means a space, and few people escape it.
LOST_PLUS = re.compile(r" (?=\d\d:?\d\d$)")
LAST_YEAR = 9998

Emails = QuerySet[OutboundEmail]


class BadFilter(ValueError):
    """A parameter with an unusable value. The message says what it takes."""


# The search field


def search(emails: Emails, words: str) -> Emails:
    """Return the emails that contain every word: in an address, the subject, the kind, the status, or the text.

    ``to:``, ``subject:``, ``kind:``, and ``status:`` in front of a word search only there.
    """
    for word in without_control_characters(words)[:MAX_SEARCH].split():
        emails = emails.filter(condition(word))
    return emails


def without_control_characters(words: str) -> str:
    return "".join(character if character.isprintable() else " " for character in words)


def condition(word: str) -> Q:
    prefix, colon, rest = word.partition(":")
    if colon and rest and prefix.lower() in FIELDS:
        return Q(**{f"{FIELDS[prefix.lower()]}__icontains": rest})
    anywhere = (*FIELDS.values(), "reason", "content__text")
    found = Q(pk=word) if re.fullmatch(r"[0-9a-fA-F-]{32,36}", word) and is_uuid(word) else Q()
    for field in anywhere:
        found |= Q(**{f"{field}__icontains": word})
    return found


FIELDS = {"to": "recipients", "subject": "subject", "kind": "kind", "status": "status"}


def is_uuid(word: str) -> bool:
    return re.fullmatch(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}", word) is not None


# /dev/inbox.json


def filtered(query: QueryDict) -> Emails:
    """Return the newest emails that the parameters ask for. Raises ``BadFilter``. An empty filter is no filter."""
    for name in query:
        if name not in PARAMETERS:
            raise BadFilter(f"{name[:40]!r} is not a parameter. The parameters are {', '.join(PARAMETERS)}.")
    limit = limit_in(query)
    emails: Emails = OutboundEmail.objects.all()
    for name, apply in FILTERS.items():
        if value := query.get(name, "").strip():
            emails = apply(emails, value)
    return emails[:limit]


def limit_in(query: QueryDict) -> int:
    limit = query.get("limit", str(DEFAULT_LIMIT))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 10 and 1 <= int(limit) <= MAX_LIMIT):
        raise BadFilter(f"limit must be a whole number from 1 to {MAX_LIMIT}.")
    return int(limit)


def sent_to(emails: Emails, value: str) -> Emails:
    """Return the emails with this address in To, Cc, or Bcc."""
    try:
        address = Address.parse(value, "to").email.lower()
    except InvalidMessage:
        raise BadFilter(f"to must be an email address, not {value[:80]!r}.") from None
    # Recipients are stored in one column, in lowercase and with spaces between them.
    alone, first = Q(recipients=address), Q(recipients__startswith=f"{address} ")
    return emails.filter(alone | first | Q(recipients__endswith=f" {address}") | Q(recipients__contains=f" {address} "))


def of_kind(emails: Emails, value: str) -> Emails:
    value = without_control_characters(value)
    # Emails that don't come from a template may have a kind of their own.
    if value not in folders() and not emails.filter(kind=value).exists():
        raise BadFilter(f"There is no kind {value[:80]!r}. The kinds are: {', '.join(folders())}.")
    return emails.filter(kind=value)


def queued_since(emails: Emails, value: str) -> Emails:
    # SQLite compares times as texts, and its own have three decimals: “.123” comes before “.123000”.
    return emails.filter(created_at__gte=moment(value) - timedelta(microseconds=1))


def moment(value: str) -> datetime:
    """Return the time that a text names: in ISO 8601, by default in UTC, or in seconds since 1970."""
    try:
        found = datetime.fromtimestamp(float(value), UTC) if SECONDS.fullmatch(value) else iso_moment(value)
    except (ValueError, OverflowError, OSError):
        found = None
    if found is None or not 1970 <= found.year <= LAST_YEAR:
        raise BadFilter(
            f"since must be a time such as 2026-01-31T08:00:00Z, or seconds since 1970, not {value[:80]!r}."
        )
    return found


def iso_moment(value: str) -> datetime | None:
    found = parse_datetime(LOST_PLUS.sub("+", value))
    return timezone.make_aware(found, UTC) if found is not None and timezone.is_naive(found) else found


FILTERS: dict[str, Callable[[Emails, str], Emails]] = {
    "to": sent_to,
    "kind": of_kind,
    "since": queued_since,
}
