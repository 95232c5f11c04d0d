"""The errors of the emails app. A provider's error is a small set of data that states whether a retry can help."""

import enum
from datetime import timedelta

from django.core.mail import BadHeaderError

from common.redaction import redact

MAX_CODE_LENGTH = 100


class EmailsError(Exception):
    """The base of every error that this app raises on purpose."""


class InvalidMessage(EmailsError, ValueError):
    """A message that no provider could send. Nothing was stored or sent."""


class InvalidHeader(InvalidMessage, BadHeaderError):
    """A line break or control character in a header value, with which an attacker could inject another header."""


class UnsupportedFeature(InvalidMessage):
    """A message that this provider can't send as it is."""

    def __init__(self, provider: str, feature: str, advice: str) -> None:
        super().__init__(provider, feature, advice)
        self.provider = provider
        self.feature = feature
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.provider} doesn't support {self.feature}: {self.advice}"


class LeaseLost(EmailsError):
    """Another worker has taken over what this worker held. The change was not written."""


class CallOutcome(enum.StrEnum):
    """Whether a call that was not accepted may nevertheless have sent its messages."""

    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


class Remedy(enum.StrEnum):
    """What can help after an error.

    RETRY: time. FIX: a person who corrects the settings. QUOTA: the next day, or a larger plan. GIVE_UP: nothing.
    """

    RETRY = "retry"
    FIX = "fix"
    QUOTA = "quota"
    GIVE_UP = "give_up"


class ProviderError(EmailsError, OSError):
    """The provider's response, and whether a retry can help.

    It holds only strings, numbers, and enums, which are safe to log, pickle, and store. It never holds a request,
    response, payload, or key. ``pauses_provider`` means that other messages would meet the same error, so that
    ``retry_after`` applies to all of them.
    """

    def __init__(
        self,
        provider: str,
        detail: str,
        *,
        outcome: CallOutcome,
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
        self.code = redact(code)[:MAX_CODE_LENGTH]
        self.retry_after = retry_after
        self.pauses_provider = pauses_provider
        # Exceptions are logged and pickled by their args, which must not contain the text before redaction.
        self.args = (provider, self.detail)

    def __str__(self) -> str:
        answer = f"{self.provider} responded with {self.status}" if self.status else f"{self.provider} did not respond"
        code = f" ({self.code})" if self.code else ""
        return f"{answer}{code}: {self.detail}"

    def __reduce__(self) -> tuple[object, ...]:
        # By default, unpickling calls the class with `args` only, and the keyword arguments would be missing.
        return _restore, (self.provider, self.detail, dict(vars(self)))


def _restore(provider: str, detail: str, fields: dict[str, object]) -> ProviderError:
    error = ProviderError(provider, detail, outcome=CallOutcome.UNKNOWN, remedy=Remedy.RETRY)
    vars(error).update(fields)
    return error
