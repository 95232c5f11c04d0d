"""One call to a provider's JSON API and the verdict on its answer; what the call says is for others."""

import json
import re
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from common.http.pool import Answer, NoAnswer, pool_for
from common.http.retry_after import retry_after
from common.redaction import redact
from emails.backends.base import Caller, Receipt, Request
from emails.backends.classification import NEEDS_A_PERSON, REFUSED_FOR_NOW, UNKNOWN, Verdict, verdict_on
from emails.errors import ProviderError

USER_AGENT = "myproject/1.0"
KEY = re.compile(r"[!-~]+")
TAG = re.compile(r"<(style|script)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
LONG_STRING = 40  # characters; what is shorter in an answer that echoes the payload gives nothing away
PAGE_BYTES = 20_000
TEXT_OF_A_PAGE = 300


class ApiClient(Caller):
    """A provider that takes JSON. Key and URL come from the settings `<NAME>_API_KEY` and `<NAME>_API_URL`."""

    reset_headers: ClassVar[tuple[str, ...]] = ()
    """Headers beside Retry-After that give the seconds until calls are taken again."""

    def __init__(self, *, api_key: str | None = None, api_url: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._api_key = api_key or self._setting("API_KEY")
        if not KEY.fullmatch(self._api_key):
            raise ImproperlyConfigured(
                f"{self.name.upper()}_API_KEY contains a space or another character that no key has. Copy it again."
            )
        self._api_url = (api_url or self._setting("API_URL")).rstrip("/")
        if not self._api_url.startswith(("https://", "http://")):
            raise ImproperlyConfigured(f"{self.name.upper()}_API_URL must begin with https:// or http://.")

    def _setting(self, suffix: str) -> str:
        variable = f"{self.name.upper()}_{suffix}"
        value = getattr(settings, variable, "")
        if not value:
            raise ImproperlyConfigured(f"{variable} is not set. Set it, or choose another EMAIL_PROVIDER.")
        return str(value)

    # What a provider's file fills in

    @abstractmethod
    def accepted(self, answer: Answer) -> Receipt | Verdict:
        """Read a 2xx answer: is it the documented one?"""

    def forgives(self, request: Request, answer: Answer) -> bool:
        """Whether an error says that what was asked for is so already."""
        return False

    def refine(self, verdict: Verdict, status: int, said: str) -> Verdict:
        """Correct the verdict on an error where this provider's words say more than its status."""
        return verdict

    def pause(self, headers: Mapping[str, str]) -> timedelta | None:
        """For how long a refused caller is to wait."""
        return retry_after(headers, *self.reset_headers)

    def told_limits(self, headers: Mapping[str, str]) -> dict[str, Any]:
        """What the headers of a good answer say of the calls to come: ``rate`` and ``pause`` of a Receipt."""
        return {}

    def warm_up(self) -> None:
        with suppress(ImproperlyConfigured):  # the call says so
            pool_for(self._api_url).connect(timedelta(seconds=settings.EMAIL_CALL_DEADLINE_SECONDS))

    def call(self, request: Request, idempotency_key: str) -> Receipt:
        keys = {"Idempotency-Key": idempotency_key} if self.key_lifetime is not None else {}
        result = self._judge(self.ask(request, keys), request)
        if isinstance(result, Receipt):
            return result
        raise result  # here, where no exception with a request in it is being handled

    def ask(self, request: Request, headers: Mapping[str, str] | None = None) -> Answer | NoAnswer | ProviderError:
        """Make the request and return what came, whatever it says. Raises nothing."""
        headers = {
            "Authorization": f"Bearer {self._api_key}",
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            **(headers or {}),
        }
        deadline = timedelta(seconds=settings.EMAIL_CALL_DEADLINE_SECONDS)
        try:
            pool = pool_for(self._api_url)
        except ImproperlyConfigured as error:
            return self._error(NEEDS_A_PERSON, str(error))
        method, _, path = request.endpoint.rpartition(" ")
        return pool.send(method or "POST", path, request.body, headers, deadline)

    def _judge(self, answer: Answer | NoAnswer | ProviderError, request: Request) -> Receipt | ProviderError:
        if isinstance(answer, ProviderError):
            return answer
        if isinstance(answer, NoAnswer):
            return self._error(UNKNOWN if answer.reached_body else REFUSED_FOR_NOW, answer.reason)
        is_accepted = 200 <= answer.status < 300 or self.forgives(request, answer)
        result = self.accepted(answer) if is_accepted else None
        if isinstance(result, Receipt):
            return replace(result, **self.told_limits(answer.headers))
        return self._refusal(answer, result, request)

    def _refusal(self, answer: Answer, verdict: Verdict | None, request: Request) -> ProviderError:
        code, text = error_text(answer)
        text = redact(text, [self._api_key, *long_strings(request.body)])
        said = f"{code} {text}"
        if verdict is None:
            verdict = self.refine(verdict_on(answer.status, said), answer.status, said)
        if answer.status < 300 and verdict is UNKNOWN:
            text = f"its response is not in the documented format: {text}"
        pause = self.pause(answer.headers)
        if verdict is REFUSED_FOR_NOW and pause is not None:
            verdict = verdict._replace(pauses_provider=True)
        return self._error(verdict, text, status=answer.status, code=code, retry_after=pause)

    def _error(self, verdict: Verdict, detail: str, **fields: Any) -> ProviderError:
        detail = redact(detail or "no explanation", [self._api_key])
        return ProviderError(self.name, detail, **verdict._asdict(), **fields)


def json_body(answer: Answer) -> Any:
    """The parsed body, None where it is no JSON or says it is none."""
    content_type = answer.headers.get("Content-Type", "json")
    if not answer.body or "json" not in content_type.lower():
        return None
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def long_strings(body: bytes) -> list[str]:
    """What an answer that echoes the payload would give away, as it stands there and as JSON writes it."""
    found: list[str] = []
    rest = [json.loads(body or b"null")]
    while rest:
        item = rest.pop()
        if isinstance(item, str) and len(item) >= LONG_STRING:
            found += [item, json.dumps(item)[1:-1], json.dumps(item, ensure_ascii=False)[1:-1]]
        elif isinstance(item, dict | list):
            rest += item.values() if isinstance(item, dict) else item
    return found


def error_text(answer: Answer) -> tuple[str, str]:
    """A code to branch on, and what a person should read, out of all the shapes that error bodies have."""
    data = json_body(answer)
    if not isinstance(data, dict):
        return "", page_text(answer)
    if isinstance(data.get("errors"), list):
        return "", "; ".join(_one_of_many(item) for item in data["errors"])
    inner = data["error"] if isinstance(data.get("error"), dict) else {}
    code = data.get("code") or inner.get("code") or data.get("name") or ""
    parts = [data.get("error") if not inner else inner.get("message"), data.get("message"), data.get("description")]
    parts += [data.get("resolution"), data.get("issues")]
    return str(code), ". ".join(str(part) for part in parts if part) or page_text(answer)


def page_text(answer: Answer) -> str:
    """The beginning of what it says in no known form, without its HTML."""
    text = TAG.sub(" ", (answer.body or b"")[:PAGE_BYTES].decode(errors="replace"))
    return " ".join(text.split())[:TEXT_OF_A_PAGE]


def _one_of_many(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    field = item.get("field")
    return f"{item.get('message')} ({field})" if field and field != "null" else str(item.get("message"))
