"""Questions to a name server: several in parallel, each asked only one time, and all within one budget of time.

A name server that is silent or fails proves nothing about a record. So an ``Answer`` is an error then, and never empty.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from emails.domains.names import canonical

if TYPE_CHECKING:
    from dns.resolver import Answer as DnsAnswer
    from dns.resolver import Resolver

BUDGET = timedelta(seconds=5)
# A lost packet costs this much before the question is repeated.
ATTEMPT_SECONDS = 1.0
# Reserved for the evaluation after the last lookup, so that everything ends within the budget.
RESERVE_SECONDS = 0.1
THREADS = 12
MAX_ALIASES = 10
EDNS_BYTES = 1232  # longer answers come over TCP, because fragments of UDP packets get lost


class Outcome(StrEnum):
    FOUND = "found"
    EMPTY = "empty"  # the name exists, but has no record of this type
    NONEXISTENT = "nonexistent"
    ERROR = "lookup_error"


@dataclass(frozen=True, slots=True)
class Answer:
    """The records of one type at one name.

    The strings of a TXT record are joined. An MX record is "10 mx.example.com", and a null MX is "0 .". ``aliases`` are
    the names that CNAME records lead to, in their order.
    """

    outcome: Outcome
    values: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    reason: str = ""

    @property
    def is_found(self) -> bool:
        return self.outcome == Outcome.FOUND

    @property
    def is_error(self) -> bool:
        return self.outcome == Outcome.ERROR

    @property
    def is_missing(self) -> bool:
        return self.outcome in (Outcome.EMPTY, Outcome.NONEXISTENT)


class Lookups:
    """Asks a name server, and remembers the answers. Raises nothing.

    ``name_server`` is an address and a port, such as "127.0.0.1:5353". Without it, the system's name servers are asked.
    """

    def __init__(self, timeout: timedelta = BUDGET, name_server: str = "") -> None:
        self._ends_at = time.monotonic() + timeout.total_seconds() - RESERVE_SECONDS
        self._name_server = name_server
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="dns")
        self._answers: dict[tuple[str, str], Future[Answer]] = {}

    @staticmethod
    def deadline(timeout: timedelta) -> Callable[[], timedelta]:
        """Return a function that returns how much of the time is left, at least a moment."""
        ends_at = time.monotonic() + timeout.total_seconds()
        return lambda: timedelta(seconds=max(0.05, ends_at - time.monotonic()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Lookups in progress end with the budget, and nobody needs to wait for them.
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def remaining(self) -> float:
        return max(0.0, self._ends_at - time.monotonic())

    def start(self, *questions: tuple[str, str]) -> None:
        """Ask these questions (name and type) in parallel, without waiting for the answers."""
        for name, kind in questions:
            key = (canonical(name), kind)
            if key[0] and key not in self._answers:
                self._answers[key] = self._threads.submit(self._answer, *key)

    def get(self, name: str, kind: str) -> Answer:
        key = (canonical(name), kind)
        if not key[0]:
            return Answer(Outcome.NONEXISTENT, reason="it isn't a valid domain name")
        self.start(key)
        try:
            return self._answers[key].result(self.remaining)
        except NotYet:
            return Answer(Outcome.ERROR, reason="the name server didn't answer in time")

    def _answer(self, name: str, kind: str) -> Answer:
        """Follow CNAME records, because a name server may return only the first one."""
        aliases: tuple[str, ...] = ()
        while True:
            answer = self._ask(aliases[-1] if aliases else name, kind)
            aliases += answer.aliases
            if len({name, *aliases}) <= len(aliases) or len(aliases) > MAX_ALIASES:
                return Answer(Outcome.ERROR, aliases=aliases, reason="its CNAME records lead in a circle")
            if answer.outcome != Outcome.EMPTY or not answer.aliases:
                return replace(answer, aliases=aliases)

    def _ask(self, name: str, kind: str) -> Answer:
        import dns.exception  # noqa: PLC0415  # only these checks need dnspython
        import dns.resolver  # noqa: PLC0415

        try:
            # The final dot keeps the system's search list out.
            found = self._resolver.resolve(f"{name}.", kind, raise_on_no_answer=False, lifetime=self.remaining)
        except dns.resolver.NXDOMAIN as error:
            return Answer(Outcome.NONEXISTENT, aliases=_aliases_before(error))
        except dns.exception.DNSException as error:
            return Answer(Outcome.ERROR, reason=_reason_of(error))
        except (OSError, ValueError) as error:  # unreadable resolver configuration or answer
            return Answer(Outcome.ERROR, reason=f"the lookup failed: {error}")
        aliases = _aliases_in(found.chaining_result) if kind != "CNAME" else ()
        values = _values(found, kind)
        return Answer(Outcome.FOUND if values else Outcome.EMPTY, values, aliases)

    @cached_property
    def _resolver(self) -> "Resolver":
        import dns.resolver  # noqa: PLC0415

        resolver = dns.resolver.Resolver(configure=not self._name_server)
        if self._name_server:
            host, _, port = self._name_server.rpartition(":")
            resolver.nameservers, resolver.port = [host.strip("[]")], int(port)
        resolver.timeout = ATTEMPT_SECONDS
        resolver.use_edns(0, 0, EDNS_BYTES)
        return resolver


def _values(found: "DnsAnswer", kind: str) -> tuple[str, ...]:
    reader = READERS.get(kind, str)
    return tuple(reader(record) for record in found.rrset or ())


def _aliases_in(chain: Any) -> tuple[str, ...]:
    return tuple(_host(record.target) for alias in chain.cnames for record in alias)


def _aliases_before(error: Any) -> tuple[str, ...]:
    """Return the CNAME records of an answer that says that their target doesn't exist."""
    responses = error.kwargs.get("responses", {}).values()
    return next((_aliases_in(response.resolve_chaining()) for response in responses), ())


def _host(name: Any) -> str:
    return str(name).lower().removesuffix(".") or "."


def _text(record: Any) -> str:
    return b"".join(record.strings).decode("utf-8", "replace")


def _mail_host(record: Any) -> str:
    return f"{record.preference} {_host(record.exchange)}"


READERS: dict[str, Callable[[Any], str]] = {
    "TXT": _text,
    "MX": _mail_host,
    "CNAME": lambda record: _host(record.target),
    "PTR": lambda record: _host(record.target),
}


def _reason_of(error: Any) -> str:
    """Return why there is no answer, in words for people."""
    name = type(error).__name__
    if name == "NoNameservers":
        details = str(error)
        if "ChainTooLong" in details or "chain" in details.lower():
            return "its CNAME records lead in a circle"
        codes = ("SERVFAIL", "REFUSED", "NOTIMP", "FORMERR")
        return f"the name server answered {next((code for code in codes if code in details), 'with an error')}"
    if name == "NoResolverConfiguration":
        return "this machine has no name server configured"
    return "the name server didn't answer in time"
