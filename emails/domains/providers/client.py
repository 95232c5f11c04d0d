"""What the three domains APIs have in common: reading JSON, and what their errors mean for the owner."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from common.http.pool import NoResponse, Response
from common.redaction import redact
from emails.backends.base import Acceptance, Request
from emails.backends.classification import UNKNOWN, FailureKind
from emails.backends.client import ApiClient, error_text, json_body
from emails.domains.names import shown
from emails.domains.records import ProviderDomain
from emails.errors import EmailsError, ProviderError

MAX_PAGES = 10


class DomainsApiError(EmailsError):
    """Why the provider can't be asked about the domain, and what to do about it."""

    def __init__(self, problem: str, fix: str, *, is_about_key: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix
        self.is_about_key = is_about_key


class DomainsClient(ApiClient):
    """Reads domains at one provider. ``remaining`` returns how much time is left for calls."""

    title: ClassVar[str]
    page: ClassVar[str]
    """Where people manage domains."""

    needed_right: ClassVar[str]
    """What an API key needs besides the right to send."""

    def __init__(self, key: str, remaining: Callable[[], timedelta]) -> None:
        super().__init__(api_key=key)
        self.remaining = remaining

    @abstractmethod
    def find(self, domain: str) -> ProviderDomain | None:
        """Return the domain, or None if the provider doesn't know it. Raises ``DomainsApiError``."""

    def read_success(self, response: Response) -> Acceptance | FailureKind:
        return UNKNOWN  # domains are only read, through get()

    def get(self, path: str) -> Any:
        """Return the JSON in the response, or None for an error 404 of the API itself."""
        response = self.ask(Request(f"GET {path}", b""), deadline=self.remaining())
        if isinstance(response, ProviderError | NoResponse):
            reason = response.reason if isinstance(response, NoResponse) else str(response)
            raise self.unavailable(f"it couldn't be reached ({redact(shown(reason, 200), [self._api_key])})")
        data = json_body(response)
        if isinstance(data, dict | list) and 200 <= response.status < 300:
            return data
        if isinstance(data, dict) and response.status == 404:
            return None
        raise self.error(response)

    def pages(self, path_of: Callable[[Sequence[Any]], str], items_of: Callable[[Any], Sequence[Any]]) -> Iterator[Any]:
        """Yield the items of a list that comes in pages. ``path_of`` the items so far is the path of the next page."""
        items: list[Any] = []
        for _ in range(MAX_PAGES):
            found = items_of(self.get(path_of(items)))
            yield from found
            items += found
            if not found:
                return

    def error(self, response: Response) -> DomainsApiError:
        code, explanation = error_text(response)
        text = shown(redact(f"{code} {explanation}".strip(), [self._api_key]), 200)
        name = self.name.upper()
        if self.lacks_right(response.status, text):
            return DomainsApiError(
                f"The API key of {self.title} may not read domains: {text or response.status}",
                f"Create a key with {self.needed_right} for this check. A key that may only send is fine for sending.",
                is_about_key=True,
            )
        if response.status in (401, 403) or (response.status == 400 and "key" in text.lower()):
            return DomainsApiError(
                f"{self.title} refuses the API key: {text or response.status}",
                f"Copy the key from {self.title} into {name}_API_KEY again.",
                is_about_key=True,
            )
        if response.status == 429:
            return DomainsApiError(
                f"{self.title} received too many calls, so it didn't describe the domain.",
                "Repeat the check in a minute.",
            )
        if response.status == 404:
            return DomainsApiError(
                f"There is no domains API at {name}_API_URL (status 404).", f"Correct {name}_API_URL, or remove it."
            )
        return self.unavailable(f"status {response.status}: {text}" if text else f"status {response.status}")

    def lacks_right(self, status: int, text: str) -> bool:
        """Return whether the key is valid but lacks a right."""
        return status == 403

    def unavailable(self, reason: str) -> DomainsApiError:
        return DomainsApiError(
            f"{self.title} didn't describe the domain: {reason}.",
            "Repeat the check later. If it goes on, look at the provider's status page.",
        )


def clients(client: type[DomainsClient], remaining: Callable[[], timedelta]) -> Iterator[DomainsClient]:
    """Yield a client for each key of the provider. A key for contacts often has more rights than the one for emails."""
    prefix = client.name.upper()
    keys = [getattr(settings, f"{prefix}_API_KEY", ""), getattr(settings, f"{prefix}_CONTACTS_API_KEY", "")]
    for key in dict.fromkeys(filter(None, keys)):
        yield client(key, remaining)


def find_domain(client: type[DomainsClient], domain: str, remaining: Callable[[], timedelta]) -> ProviderDomain | None:
    """Return the domain as the provider describes it, or None if it doesn't know it. Raises ``DomainsApiError``."""
    error: DomainsApiError | None = None
    try:
        for candidate in clients(client, remaining):
            try:
                return candidate.find(domain)
            except DomainsApiError as refusal:
                error = error or refusal
                if not refusal.is_about_key:
                    break
    except ImproperlyConfigured as misconfigured:
        error = error or DomainsApiError(str(misconfigured), "Correct this setting.", is_about_key=True)
    raise error or DomainsApiError(
        f"{client.name.upper()}_API_KEY is not set, so {client.title} can't be asked about the domain.",
        f"Set {client.name.upper()}_API_KEY.",
        is_about_key=True,
    )


def items(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects in a JSON list; nothing for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def priority(value: Any) -> int | None:
    is_number = (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and value.isdigit())
    return int(value) if is_number and 0 <= int(value) < 65536 else None


def unquoted(value: str) -> str:
    """Return the value of a TXT record without the quotes around it or around its pieces."""
    value = value.strip()
    return (
        value[1:-1].replace('" "', "").replace('""', "") if len(value) > 1 and value[0] == value[-1] == '"' else value
    )
