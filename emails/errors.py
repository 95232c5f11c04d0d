"""What can go wrong on the way to the provider, as small data that says whether asking again can help."""

import enum
from datetime import timedelta

from django.core.mail import BadHeaderError

from common.redaction import redact

CODE_CHARACTERS = 100


class EmailsError(Exception):
    """Base of every error this app raises on purpose."""


class InvalidMessage(EmailsError, ValueError):
    """A message that nobody could send; nothing was stored, nothing was called."""


class InvalidHeader(InvalidMessage, BadHeaderError):
    """A line break or control character where a mail header would be: the way to smuggle a header in."""


class UnsupportedFeature(InvalidMessage):
    """A message that this provider cannot carry as it is."""

    def __init__(self, provider: str, feature: str, advice: str) -> None:
        super().__init__(provider, feature, advice)
        self.provider = provider
        self.feature = feature
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.provider} doesn't support {self.feature}: {self.advice}"


class LeaseLost(EmailsError):
    """What this worker held is another's by now; nothing of it was written."""


class Outcome(enum.StrEnum):
    """What is known about a call that was not acknowledged."""

    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


class Remedy(enum.StrEnum):
    """Who can mend it: time, a person at the settings, a new day or a larger plan, or nobody."""

    RETRY = "retry"
    FIX = "fix"
    QUOTA = "quota"
    GIVE_UP = "give_up"


class ProviderError(EmailsError, OSError):
    """What the provider answered, and whether asking again can help.

    Strings, numbers and enums only, fit to be logged, pickled and stored: no request, response, payload or key.
    `pauses_provider` means that the next message would fare no better; `retry_after` is then meant for all of them.
    """

    def __init__(
        self,
        provider: str,
        detail: str,
        *,
        outcome: Outcome,
        remedy: Remedy,
        status: int | None = None,
        code: str = "",
        retry_after: timedelta | None = None,
        pauses_provider: bool = False,
    ) -> None:
        super().__init__(provider, detail)
        self.provider = provider
        self.detail = redact(detail)
        self.outcome = outcome
        self.remedy = remedy
        self.status = status
        self.code = redact(code)[:CODE_CHARACTERS]
        self.retry_after = retry_after
        self.pauses_provider = pauses_provider
        self.args = (provider, self.detail)

    def __str__(self) -> str:
        answer = f"{self.provider} responded with {self.status}" if self.status else f"{self.provider} did not respond"
        code = f" ({self.code})" if self.code else ""
        return f"{answer}{code}: {self.detail}"

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (self.provider, self.detail, dict(vars(self)))


def _restore(provider: str, detail: str, fields: dict[str, object]) -> ProviderError:
    error = ProviderError(provider, detail, outcome=Outcome.UNKNOWN, remedy=Remedy.RETRY)
    vars(error).update(fields)
    return error
