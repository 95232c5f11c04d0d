"""Delivery through any other Django email backend: SMTP, the console, Anymail's, or one of your own.

Such a backend reports a failure only as an exception, so this module must conclude from it whether anything was sent.
An exception from ``open()`` proves that nothing was. After that, the outcome is unknown unless the exception proves a
refusal.
"""

import json
import logging
import smtplib
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend
from django.utils.module_loading import import_string

from common.http.deadline import Deadline, DeadlinePassed, SocketHandle
from common.redaction import redact
from emails.backends.base import Acceptance, DeliveryBackend, Request
from emails.backends.classification import (
    MESSAGE_NEEDS_A_PERSON,
    NEEDS_A_PERSON,
    REFUSED,
    REFUSED_FOR_NOW,
    UNKNOWN,
    FailureKind,
    classify_status,
)
from emails.backends.refusals import Refusals, keeping_refusals, refusals_of
from emails.errors import InvalidMessage, ProviderError, UnsupportedFeature
from emails.message import Message

logger = logging.getLogger(__name__)

# RFC 4954, section 6: the server requires a login, a stronger mechanism, other credentials, or encryption.
SMTP_LOGIN_CODES = {530, 534, 535, 538}

WITHOUT_OPTIONS = ("django.core.mail.backends.", "emails.backends.console")


class RelayBackend(DeliveryBackend):
    """Hands each message to another backend over a new connection.

    Other backends have no idempotency keys, so a repeated call can send a second copy. Both copies have the same
    Message-ID, so that mail servers and email programs can recognize them.
    """

    def __init__(self, backend: str, name: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = name or backend
        try:
            found = import_string(backend)
        except ImportError as error:
            problem = f"cannot be imported: {error}"
        else:
            problem = "" if isinstance(found, type) else "is not a class"
        if problem:
            raise ImproperlyConfigured(f"The email backend {backend!r} {problem}.")
        self.backend_class: type[BaseEmailBackend] = keeping_refusals(found)
        self.is_smtp = issubclass(found, EmailBackend)
        # Anymail's backends and others of their kind read the attributes of options.py. Django's own read none.
        self.reads_options = not (self.is_smtp or found.__module__.startswith(WITHOUT_OPTIONS))

    def serialize(self, message: Message) -> bytes:
        self._refuse_options(message)
        headers = dict(message.headers)
        if not any(name.lower() == "message-id" for name in headers):
            # First, where Django writes its own.
            headers = {"Message-ID": f"<{message.id}@{message.from_email.domain}>", **headers}
        data = message.to_json() | {"headers": list(headers.items())}
        self._check_mime(Message.from_json(data))
        return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()

    def request(self, parts: Sequence[bytes]) -> Request:
        [body] = parts
        return Request(endpoint="", body=body)

    def _refuse_options(self, message: Message) -> None:
        if self.reads_options:
            return
        for name in ("track_clicks", "track_opens", "send_at"):
            if getattr(message, name) is not None:
                advice = "send it through the outbox." if name == "send_at" else "leave it out: SMTP adds no tracking."
                raise UnsupportedFeature(self.name, name, advice)

    def _check_mime(self, message: Message) -> None:
        """Raise InvalidMessage for a message that can't be converted to MIME, because every attempt would fail."""
        try:
            message.to_django().message()
            return
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            reason = str(error)
        # Raised outside of the except block, so the original exception and the message in it aren't attached as
        # context.
        raise InvalidMessage(f"The message can't be converted to MIME: {reason}")

    def call(self, request: Request, idempotency_key: str) -> Acceptance:
        message = Message.from_json(json.loads(request.body))
        result = self._deliver(message)
        if isinstance(result, Acceptance):
            return result
        # Raised outside of any except block. Inside one, Python would attach the original exception as context, and
        # Anymail's exceptions hold the request with the provider's key.
        raise result

    def _deliver(self, message: Message) -> Acceptance | ProviderError:
        with Deadline(settings.EMAIL_CALL_DEADLINE_SECONDS) as deadline:
            try:
                connection = self.backend_class()
                connection.open()
                deadline.check()
            # Django doesn't define what a backend may raise, so both clauses catch everything.
            except Exception as error:
                return self._error(error, classify_open_error(error))
            try:
                return self._hand_over(message, connection, deadline)
            except Exception as error:
                return self._error(error, self._classify(error))
            finally:
                self._close(connection)

    def _classify(self, error: Exception) -> FailureKind:
        # Django's SMTP backend and smtplib raise it for an address or a command that they refuse to write.
        if self.is_smtp and isinstance(error, ValueError):
            return REFUSED
        return classify_send_error(error)

    def _hand_over(
        self, message: Message, connection: BaseEmailBackend, deadline: Deadline
    ) -> Acceptance | ProviderError:
        handle = _watch_smtp(connection, deadline)
        try:
            count = connection.send_messages([message.to_django(connection)])
            refused = refusals_of(connection)
        finally:
            if handle is not None:
                handle.close()
        if count == 0:
            return ProviderError(self.name, "The backend sent no message and gave no reason.", **REFUSED._asdict())
        # Some backends return None instead of a count.
        return Acceptance(("",), detail=f"Refused for {describe_refusals(refused)}" if refused else "")

    def _close(self, connection: BaseEmailBackend) -> None:
        try:
            connection.close()
        # The email has already been sent or refused, and closing the connection doesn't change that.
        except Exception as error:
            logger.debug("%s did not close cleanly: %s", self.name, type(error).__name__)

    def _error(self, error: Exception, failure: FailureKind) -> ProviderError:
        return ProviderError(self.name, describe(error), status=status_of(error), **failure._asdict())


def classify_open_error(error: Exception) -> FailureKind:
    """Return what an exception from ``open()`` means: a wrong setting or login, or an unavailable server."""
    code = status_of(error)
    is_about_settings = isinstance(error, ImproperlyConfigured | smtplib.SMTPNotSupportedError | TypeError | ValueError)
    if is_about_settings or isinstance(error, smtplib.SMTPAuthenticationError) or code in SMTP_LOGIN_CODES:
        # A 4xx in response to a login is a temporary failure of the server (RFC 4954, section 6, code 454).
        return REFUSED_FOR_NOW if code is not None and 400 <= code < 500 else NEEDS_A_PERSON
    return REFUSED_FOR_NOW


def classify_send_error(error: Exception) -> FailureKind:
    """Return what an exception from ``send_messages()`` means: an unknown outcome, unless it proves a refusal."""
    if isinstance(error, ImproperlyConfigured):
        return NEEDS_A_PERSON
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return REFUSED
    if isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException):
        return classify_smtp_code(status_of(error) or 0)
    # Anymail's errors have a status_code. Anymail is optional, so its classes can't be imported here.
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return classify_status(status, "")
    # Anymail raises a ValueError with the message for a feature that its provider doesn't support.
    is_anymail_refusal = isinstance(error, ValueError) and hasattr(error, "email_message")
    return REFUSED if is_anymail_refusal else UNKNOWN


def classify_smtp_code(code: int) -> FailureKind:
    # The server has already accepted the connection, so it may still accept other messages.
    if code in SMTP_LOGIN_CODES:
        return MESSAGE_NEEDS_A_PERSON
    if 500 <= code < 600:
        return REFUSED
    return REFUSED_FOR_NOW if 400 <= code < 500 else UNKNOWN


def status_of(error: Exception) -> int | None:
    """Return the SMTP or HTTP code, if the error has one."""
    # If several recipients were refused, the lowest code decides: 4xx codes are temporary, so a retry can help one of
    # them.
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return min((code for code, _ in error.recipients.values()), default=None)
    code = getattr(error, "smtp_code", None) or getattr(error, "status_code", None)
    return code if isinstance(code, int) and code > 0 else None


def describe(error: Exception) -> str:
    """Return the server's text if the exception is known to contain only that, or else the exception's type.

    The text of an unknown exception may contain anything. Anymail's contain the request with the provider's key.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{address}: {_text(reason)}" for address, (_, reason) in error.recipients.items())
    if isinstance(error, smtplib.SMTPResponseException):
        return _text(error.smtp_error)
    if isinstance(error, smtplib.SMTPException | DeadlinePassed | ImproperlyConfigured):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return type(error).__name__


def describe_refusals(refused: Refusals) -> str:
    """Return each refused address with the server's code and text."""
    return redact("; ".join(f"{address}: {code} {_text(reason)}" for address, (code, reason) in refused.items()))


def _text(reason: bytes | str) -> str:
    return reason.decode(errors="replace") if isinstance(reason, bytes) else reason


def _watch_smtp(connection: BaseEmailBackend, deadline: Deadline) -> SocketHandle | None:
    """Apply the deadline to the whole SMTP session, because smtplib's timeout starts again with each command."""
    client = getattr(connection, "connection", None)
    if not isinstance(client, smtplib.SMTP) or client.sock is None:
        return None
    handle = SocketHandle(client.sock)
    deadline.watch(handle)
    return handle
