"""One call to a provider's JSON API: make the request, and turn the response into an acceptance or an error.

Nothing that leaves this module may contain the API key or the payload, because errors are logged and stored with the
message. Some providers quote the payload in their error texts, so keys and long strings of the payload are redacted.
"""

import json
import re
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from common.http.pool import NoResponse, Response, pool_for
from common.http.retry_after import retry_after
from common.redaction import redact
from emails.backends.base import Acceptance, ProviderClient, Request
from emails.backends.classification import NEEDS_A_PERSON, REFUSED_FOR_NOW, UNKNOWN, FailureKind, classify_status
from emails.errors import ProviderError

# Resend responds with 403 and the code 1010 to a call without a User-Agent
# (https://resend.com/docs/knowledge-base/403-error-1010). This value names the code and not the project, so it needn't
# change when the project is renamed.
USER_AGENT = "django-email-outbox/1.0"

# A key with a space or a line break was copied wrongly, and a line break isn't allowed in a header.
KEY = re.compile(r"[!-~]+")
# Proxies in front of the APIs respond with HTML pages, whose text explains the error.
TAG = re.compile(r"<(style|script)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
# In characters. Shorter strings of a payload, such as a subject, are harmless in an error text and help to understand
# it.
LONG_STRING = 40
MAX_PAGE_BYTES = 20_000
MAX_PAGE_TEXT = 300


class ErrorText(NamedTuple):
    """The code of an error response, to branch on, and its explanation for people. Either may be empty."""

    code: str
    explanation: str


class ApiClient(ProviderClient):
    """A provider with a JSON API. Key and URL come from the settings ``<NAME>_API_KEY`` and ``<NAME>_API_URL``."""

    reset_headers: ClassVar[tuple[str, ...]] = ()
    """Headers besides Retry-After that contain the number of seconds until calls are accepted again."""

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
            raise ImproperlyConfigured(f"{variable} is not set. Set it, or choose another provider.")
        return str(value)

    @abstractmethod
    def read_success(self, response: Response) -> Acceptance | FailureKind:
        """Return the acceptance in a 2xx response, or a FailureKind if the response isn't the documented one.

        A 2xx alone proves nothing: a proxy or a captive portal may have sent it.
        """

    def is_already_done(self, request: Request, response: Response) -> bool:
        """Return whether this error response counts as success because the requested state already exists."""
        return False

    def refine_failure(self, failure: FailureKind, status: int, text: str) -> FailureKind:
        """Return a more precise FailureKind if this provider's error text reveals more than its status."""
        return failure

    def wait_after_refusal(self, headers: Mapping[str, str]) -> timedelta | None:
        """Return how long to wait after a refused call, or None if the headers don't say."""
        return retry_after(headers, *self.reset_headers)

    def limits_after_success(self, headers: Mapping[str, str]) -> dict[str, Any]:
        """Return the fields ``rate`` and ``cooldown`` of an Acceptance, as far as the headers contain them."""
        return {}

    def warm_up(self) -> None:
        # The call itself meets the same error and reports it.
        with suppress(ImproperlyConfigured):
            pool_for(self._api_url).connect(timedelta(seconds=settings.EMAIL_CALL_DEADLINE_SECONDS))

    def call(self, request: Request, idempotency_key: str) -> Acceptance:
        keys = {"Idempotency-Key": idempotency_key} if self.key_lifetime is not None else {}
        result = self._interpret(self.ask(request, keys), request)
        if isinstance(result, Acceptance):
            return result
        # Raised outside of any except block. Inside one, Python would attach the original exception as context, and
        # that exception may hold the request with the API key and the body.
        raise result

    def ask(
        self, request: Request, headers: Mapping[str, str] | None = None, *, deadline: timedelta | None = None
    ) -> Response | NoResponse | ProviderError:
        """Make the request and return the response, whatever its status, or why there is none. Raises nothing."""
        headers = {
            "Authorization": f"Bearer {self._api_key}",
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            **(headers or {}),
        }
        deadline = deadline or timedelta(seconds=settings.EMAIL_CALL_DEADLINE_SECONDS)
        try:
            pool = pool_for(self._api_url)
        except ImproperlyConfigured as error:
            return self._error(NEEDS_A_PERSON, str(error))
        method, _, path = request.endpoint.rpartition(" ")
        return pool.send(method or "POST", path, request.body, headers, deadline)

    def _interpret(
        self, response: Response | NoResponse | ProviderError, request: Request
    ) -> Acceptance | ProviderError:
        if isinstance(response, ProviderError):
            return response
        if isinstance(response, NoResponse):
            # The provider may have acted on the call as soon as a byte of it was written.
            return self._error(UNKNOWN if response.reached_body else REFUSED_FOR_NOW, response.reason)
        is_success = 200 <= response.status < 300 or self.is_already_done(request, response)
        result = self.read_success(response) if is_success else None
        if isinstance(result, Acceptance):
            return replace(result, **self.limits_after_success(response.headers))
        return self._refusal(response, result, request)

    def _refusal(self, response: Response, failure: FailureKind | None, request: Request) -> ProviderError:
        code, explanation = error_text(response)
        explanation = redact(explanation, [self._api_key, *long_strings(request.body)])
        if failure is None:
            text = f"{code} {explanation}"
            failure = self.refine_failure(classify_status(response.status, text), response.status, text)
        if response.status < 300 and failure is UNKNOWN:
            explanation = f"its response is not in the documented format: {explanation}"
        wait = self.wait_after_refusal(response.headers)
        # A 503 with Retry-After is about the provider as a whole, like a 429.
        if failure is REFUSED_FOR_NOW and wait is not None:
            failure = failure._replace(pauses_provider=True)
        return self._error(failure, explanation, status=response.status, code=code, retry_after=wait)

    def _error(self, failure: FailureKind, detail: str, **fields: Any) -> ProviderError:
        detail = redact(detail or "no explanation", [self._api_key])
        return ProviderError(self.name, detail, **failure._asdict(), **fields)


def json_body(response: Response) -> Any:
    """Return the parsed body, or None if the body isn't JSON or isn't declared as JSON."""
    content_type = response.headers.get("Content-Type", "json")
    if not response.body or "json" not in content_type.lower():
        return None
    try:
        return json.loads(response.body)
    # Deeply nested JSON raises RecursionError.
    except (ValueError, RecursionError):
        return None


def long_strings(body: bytes) -> list[str]:
    """Return the long strings of a JSON payload, to be redacted from error texts.

    Providers quote a payload in an error as plain text or as JSON, with or without escapes for non-ASCII characters, so
    each string is returned in all three forms.
    """
    found: list[str] = []
    rest = [json.loads(body or b"null")]
    while rest:
        item = rest.pop()
        if isinstance(item, str) and len(item) >= LONG_STRING:
            found += [item, json.dumps(item)[1:-1], json.dumps(item, ensure_ascii=False)[1:-1]]
        elif isinstance(item, dict | list):
            rest += item.values() if isinstance(item, dict) else item
    return found


def error_text(response: Response) -> ErrorText:
    """Return code and explanation of an error, whichever provider reported it.

    Resend: ``name`` and ``message`` (https://resend.com/docs/api-reference/errors). SendGrid: a list ``errors``.
    Sequenzy has used three shapes: ``error`` as text, ``error`` as an object, and a top-level ``code`` with
    explanations.
    """
    data = json_body(response)
    if not isinstance(data, dict):
        return ErrorText("", page_text(response))
    if isinstance(data.get("errors"), list):
        return ErrorText("", "; ".join(_one_of_many(item) for item in data["errors"]))
    inner = data["error"] if isinstance(data.get("error"), dict) else {}
    code = data.get("code") or inner.get("code") or data.get("name") or ""
    parts = [data.get("error") if not inner else inner.get("message"), data.get("message"), data.get("description")]
    parts += [data.get("resolution"), data.get("issues")]
    return ErrorText(str(code), ". ".join(str(part) for part in parts if part) or page_text(response))


def page_text(response: Response) -> str:
    """Return the first words of a body in an unknown format, without HTML tags."""
    text = TAG.sub(" ", (response.body or b"")[:MAX_PAGE_BYTES].decode(errors="replace"))
    return " ".join(text.split())[:MAX_PAGE_TEXT]


def _one_of_many(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    field = item.get("field")
    # SendGrid's documentation shows null for an error about no field, and its OpenAPI description the string "null".
    return f"{item.get('message')} ({field})" if field and field != "null" else str(item.get("message"))
