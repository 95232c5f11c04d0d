"""Redis, and the broker of Celery if it is another one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, OutOfMemoryError, ReadOnlyError, RedisError
from redis.retry import Retry

from common.redaction import redact
from operations.doctor.checks import Check, Trouble, error, serious, warning
from operations.doctor.hosts import is_local, is_public
from operations.doctor.questions import Question

CALL_SECONDS = 3
OLDEST_REDIS = 6
FULL_FROM = 0.9  # the share of maxmemory in use
SCHEMES = ("redis://", "rediss://", "unix://")
PROBE_KEY = "doctor:probe"
MEMORY = "Raise maxmemory, or remove what else is stored there."
POLICY = "Set maxmemory-policy to noeviction. Nothing here fills Redis, and a full one loses no email."


@dataclass(frozen=True, slots=True)
class Facts:
    """What Redis says about itself. Empty or 0: it doesn't say."""

    version: str
    policy: str
    used: int
    maximum: int
    role: str


def servers() -> dict[str, str]:
    """Return the URLs of the Redis servers by the variable that names each."""
    urls = {"REDIS_URL": settings.REDIS_URL, "CELERY_BROKER_URL": settings.CELERY_BROKER_URL}
    if urls["CELERY_BROKER_URL"] == urls["REDIS_URL"] or not urls["CELERY_BROKER_URL"].startswith(SCHEMES):
        del urls["CELERY_BROKER_URL"]
    return {name: url for name, url in urls.items() if url}


def read_facts(url: str) -> Facts:
    """Ask Redis, and write to it, because a full or read-only Redis still responds to reads."""
    limits = {"socket_timeout": CALL_SECONDS, "socket_connect_timeout": CALL_SECONDS}
    with Redis.from_url(url, retry=Retry(NoBackoff(), 0), **limits) as client:
        client.set(PROBE_KEY, 1, px=1000)
        try:
            found: dict[str, Any] = client.info()
        except NoPermissionError:  # some hosts allow no INFO
            found = {}
    return Facts(
        version=str(found.get("redis_version", "")),
        policy=str(found.get("maxmemory_policy", "")),
        used=int(found.get("used_memory", 0)),
        maximum=int(found.get("maxmemory", 0)),
        role=str(found.get("role", "")),
    )


def checks(questions: dict[str, Question[Facts]]) -> Iterator[Check]:
    for name, question in questions.items():
        url = servers()[name]
        yield Check("redis.connection", name, connection(name, url, question))
        yield Check("redis.server", name, server(question))
        yield Check("redis.security", name, security(name, url))


def connection(name: str, url: str, question: Question[Facts]) -> Callable[[], Iterator[Trouble]]:
    start = f"Start Redis, or correct {name}."

    def troubles() -> Iterator[Trouble]:
        try:
            question.answer()
        except TimeoutError:
            yield error("Redis doesn't respond.", f"Check whether it hangs or a firewall is in the way. {start}")
        except (AuthenticationError, NoPermissionError) as failure:
            yield error(f"Redis refuses the login: {reason(failure, url)}.", f"Correct the password in {name}.")
        except ReadOnlyError:
            yield error("Redis is read-only, probably a replica.", f"Point {name} at the primary server.")
        except (RedisError, OSError) as failure:
            fix = MEMORY if isinstance(failure, OutOfMemoryError) else start
            yield error(f"Redis can't be used: {reason(failure, url)}.", fix)

    return troubles


def reason(failure: Exception, url: str) -> str:
    password = urlsplit(url).password or ""
    return redact(str(failure), [password, unquote(password)]).rstrip(".")


def server(question: Question[Facts]) -> Callable[[], Iterator[Trouble]]:
    def troubles() -> Iterator[Trouble]:
        try:
            facts = question.answer()
        except Exception:  # reported by the check of the connection
            return
        major = facts.version.partition(".")[0]
        if major.isdecimal() and int(major) < OLDEST_REDIS:
            yield warning(f"It is Redis {facts.version}, which gets no updates.", "Upgrade to Redis 6 or newer.")
        if facts.policy not in ("", "noeviction"):
            yield warning(f"When it is full, it deletes counters of rate limits ({facts.policy}).", POLICY)
        if facts.maximum and facts.used > FULL_FROM * facts.maximum:
            yield warning(f"{facts.used:,} of its {facts.maximum:,} bytes are in use.", MEMORY)

    return troubles


def security(name: str, url: str) -> Callable[[], Iterator[Trouble]]:
    def troubles() -> Iterator[Trouble]:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if url.startswith("unix://") or is_local(host):
            return
        if not parts.password and "password=" not in parts.query:
            trouble = serious if is_public(host) else warning
            yield trouble(f"{host} has no password.", f"Set one in Redis (requirepass), and add it to {name}.")
        if parts.scheme == "redis" and is_public(host):
            yield serious(
                f"The connection to {host} is unencrypted, so everyone on the way can read the password.",
                f"Turn on TLS in Redis, and begin {name} with rediss://.",
            )

    return troubles
