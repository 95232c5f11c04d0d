"""The errors of the emails app.

The worker never inspects a provider's exception or response to decide what to do next. A backend answers two questions
for it, and stores the answers in a ``ProviderError``: may the call have sent something (``CallOutcome``), and what can
help now (``Remedy``)? Both are needed, because a retry after a timeout can send an email twice, while a retry after a
refusal can't.
"""

import enum
from datetime import timedelta

from django.core.mail import BadHeaderError
from django.template import TemplateDoesNotExist, TemplateSyntaxError

from common.redaction import redact

# The column DeliveryAttempt.error_code has the same length.
MAX_CODE_LENGTH = 100


class EmailsError(Exception):
    """The base class of every error that this app raises on purpose."""


class InvalidMessage(EmailsError, ValueError):
    """A message that can't be sent as it is. Nothing was stored or sent.

    It is also a ``ValueError``, so code that knows only Django's email API can catch it.
    """


class InvalidHeader(InvalidMessage, BadHeaderError):
    """A line break or another control character in a header value.

    An attacker could use it to add headers of their own, such as ``Bcc``. Django raises ``BadHeaderError`` for the same
    reason, but only when it builds a MIME message, and the providers with a JSON API never do.
    """


class UnsupportedFeature(InvalidMessage):
    """A message that this provider can't send, although another one might."""

    def __init__(self, provider: str, feature: str, advice: str) -> None:
        super().__init__(provider, feature, advice)
        self.provider = provider
        self.feature = feature
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.provider} doesn't support {self.feature}: {self.advice}"


class MissingVariable(EmailsError, LookupError):
    """A template looks up a variable that the context lacks. Nothing was stored or sent."""

    def __init__(self, kind: str, template: str, name: str, line: int = 0) -> None:
        super().__init__(kind, template, name, line)
        self.kind = kind
        self.template = template
        self.name = name
        self.line = line

    def __str__(self) -> str:
        place = f" on line {self.line}" if self.line else ""
        return (
            f"The email {self.kind!r} lacks the variable {self.name!r}, which {self.template} uses{place}. "
            "Add it to the context, with an empty value if it is optional."
        )


class UnknownKind(EmailsError, ValueError, TemplateDoesNotExist):
    """There is no folder for this kind of email, or it lacks a part. Nothing was stored or sent."""


class BrokenTemplate(EmailsError, TemplateSyntaxError):
    """A template that can't be compiled. Nothing was stored or sent."""

    def __init__(self, template: str, line: int, problem: str) -> None:
        super().__init__(template, line, problem)
        self.template = template
        self.line = line
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.template}, line {self.line}: {self.problem}"


class LeaseLost(EmailsError):
    """Another worker has taken over a row or an attempt, so this worker's change was not written."""


class CallOutcome(enum.StrEnum):
    """What is known about the messages of a failed call."""

    # The provider refused the call, or no byte of its body was written.
    NOT_SENT = "not_sent"
    # The provider may have accepted the call, for example if the response timed out.
    UNKNOWN = "unknown"


class Remedy(enum.StrEnum):
    """What can help after an error."""

    # The error is temporary: the same call can succeed later.
    RETRY = "retry"
    # A person must correct a setting here or an account at the provider.
    FIX = "fix"
    # The quota renews, often daily or monthly, or a person buys a larger plan.
    QUOTA = "quota"
    # The provider would refuse the same message again.
    GIVE_UP = "give_up"


class ProviderError(EmailsError, OSError):
    """The description of a failed call, reduced to values that are safe to log, pickle, and store.

    It never holds a request, a response, a payload, or a key: error reports contain exceptions with all their
    attributes, and a payload contains links that grant access to an account.
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
        self.provider = provider
        self.detail = redact(detail)
        self.outcome = outcome
        self.remedy = remedy
        self.status = status
        self.code = redact(code)[:MAX_CODE_LENGTH]
        self.retry_after = retry_after
        # Other messages would meet the same error, so retry_after applies to all of them.
        self.pauses_provider = pauses_provider
        # Last, and with the redacted text: the base class keeps these values in ``args``, which logs and error reports
        # show, and a provider's text may quote a key or a payload.
        super().__init__(provider, self.detail)

    def __str__(self) -> str:
        answer = f"{self.provider} responded with {self.status}" if self.status else f"{self.provider} did not respond"
        code = f" ({self.code})" if self.code else ""
        return f"{answer}{code}: {self.detail}"

    def __reduce__(self) -> tuple[object, ...]:
        # An exception is unpickled by calling its class with ``args``. Here that would fail, because ``outcome`` and
        # ``remedy`` are required keyword arguments and ``args`` can't carry keywords.
        return _unpickle, (self.provider, self.detail, dict(vars(self)))


def _unpickle(provider: str, detail: str, attributes: dict[str, object]) -> ProviderError:
    # The two enums are placeholders. The saved attributes replace them.
    error = ProviderError(provider, detail, outcome=CallOutcome.UNKNOWN, remedy=Remedy.RETRY)
    vars(error).update(attributes)
    return error
