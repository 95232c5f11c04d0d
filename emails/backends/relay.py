"""Delivery through any other Django email backend: SMTP, the console, Anymail's, or one of your own."""

import json
import logging
import smtplib
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.module_loading import import_string

from common.http.deadline import Deadline, DeadlinePassed, SocketHandle
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
from emails.errors import InvalidMessage, ProviderError
from emails.message import Message

logger = logging.getLogger(__name__)

SMTP_LOGIN_CODES = {530, 534, 535, 538}  # RFC 4954: the server requires another login


class RelayBackend(DeliveryBackend):
    """Hands each message to another backend, on a new connection.

    Other backends have no idempotency keys. A repeat carries the same Message-ID, so people and mail servers can at
    least recognize it.
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
            raise ImproperlyConfigured(f"EMAIL_DELIVERY_BACKEND {backend!r} {problem}.")
        self.backend_class: type[BaseEmailBackend] = found

    def serialize(self, message: Message) -> bytes:
        headers = dict(message.headers)
        if not any(name.lower() == "message-id" for name in headers):
            headers["Message-ID"] = f"<{message.id}@{message.from_email.domain}>"
        data = message.to_json() | {"headers": list(headers.items())}
        self._check_mime(Message.from_json(data))
        return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()

    def request(self, parts: Sequence[bytes]) -> Request:
        [body] = parts
        return Request(endpoint="", body=body)

    def _check_mime(self, message: Message) -> None:
        """Raise InvalidMessage for a message that cannot become MIME: every attempt would fail."""
        try:
            message.to_django().message()
        except (ValueError, LookupError, TypeError) as error:
            reason = str(error)
        else:
            return
        raise InvalidMessage(f"The message can't be converted to MIME: {reason}")

    def call(self, request: Request, idempotency_key: str) -> Acceptance:
        message = Message.from_json(json.loads(request.body))
        result = self._deliver(message)
        if isinstance(result, Acceptance):
            return result
        # Raised outside of any except block: an exception in its context could hold the provider's key.
        raise result

    def _deliver(self, message: Message) -> Acceptance | ProviderError:
        with Deadline(settings.EMAIL_CALL_DEADLINE_SECONDS) as deadline:
            try:
                connection = self.backend_class()
                connection.open()
                deadline.check()
            except Exception as error:  # backends may raise anything; at this point nothing was handed over
                return self._error(error, classify_open_error(error))
            try:
                return self._hand_over(message, connection, deadline)
            except Exception as error:  # backends may raise anything; the error is recorded with the message
                return self._error(error, classify_send_error(error))
            finally:
                self._close(connection)

    def _hand_over(
        self, message: Message, connection: BaseEmailBackend, deadline: Deadline
    ) -> Acceptance | ProviderError:
        handle = _watch_smtp(connection, deadline)
        try:
            count = connection.send_messages([message.to_django(connection)])
        finally:
            if handle is not None:
                handle.close()
        if count == 0:
            return ProviderError(self.name, "The backend sent no message and gave no reason.", **REFUSED._asdict())
        return Acceptance(("",))  # also for None: some backends don't count

    def _close(self, connection: BaseEmailBackend) -> None:
        try:
            connection.close()
        except Exception as error:  # closing no longer changes whether the email was sent
            logger.debug("%s did not close cleanly: %s", self.name, type(error).__name__)

    def _error(self, error: Exception, failure: FailureKind) -> ProviderError:
        return ProviderError(self.name, describe(error), status=status_of(error), **failure._asdict())


def classify_open_error(error: Exception) -> FailureKind:
    """Return what an exception from ``open()`` means: a wrong setting or login, or a server that is down."""
    code = status_of(error)
    is_about_settings = isinstance(error, ImproperlyConfigured | smtplib.SMTPNotSupportedError | TypeError | ValueError)
    if is_about_settings or isinstance(error, smtplib.SMTPAuthenticationError) or code in SMTP_LOGIN_CODES:
        # A 4xx to a login is a temporary problem of the server (RFC 4954, 454).
        return REFUSED_FOR_NOW if code is not None and 400 <= code < 500 else NEEDS_A_PERSON
    return REFUSED_FOR_NOW


def classify_send_error(error: Exception) -> FailureKind:
    """Return what an exception from ``send_messages()`` means; unknown unless it proves that nothing was sent."""
    if isinstance(error, ImproperlyConfigured):
        return NEEDS_A_PERSON
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return REFUSED
    if isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException):
        return classify_smtp_code(status_of(error) or 0)
    status = getattr(error, "status_code", None)  # Anymail's errors
    if isinstance(status, int):
        return classify_status(status, "")
    is_anymail_refusal = isinstance(error, ValueError) and hasattr(error, "email_message")
    return REFUSED if is_anymail_refusal else UNKNOWN


def classify_smtp_code(code: int) -> FailureKind:
    if code in SMTP_LOGIN_CODES:
        return MESSAGE_NEEDS_A_PERSON
    if 500 <= code < 600:
        return REFUSED
    return REFUSED_FOR_NOW if 400 <= code < 500 else UNKNOWN


def status_of(error: Exception) -> int | None:
    """Return the SMTP or HTTP code, if the error has one.

    Of several refused recipients, the lowest code counts: it is a temporary one if any is, and then a retry can help.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return min((code for code, _ in error.recipients.values()), default=None)
    code = getattr(error, "smtp_code", None) or getattr(error, "status_code", None)
    return code if isinstance(code, int) and code > 0 else None


def describe(error: Exception) -> str:
    """Return the server's text, or only the exception's type: Anymail's texts contain the request with its key."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{address}: {_text(reason)}" for address, (_, reason) in error.recipients.items())
    if isinstance(error, smtplib.SMTPResponseException):
        return _text(error.smtp_error)
    if isinstance(error, smtplib.SMTPException | DeadlinePassed | ImproperlyConfigured):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return type(error).__name__


def _text(reason: bytes | str) -> str:
    return reason.decode(errors="replace") if isinstance(reason, bytes) else reason


def _watch_smtp(connection: BaseEmailBackend, deadline: Deadline) -> SocketHandle | None:
    """Let the deadline cut the whole SMTP conversation, because smtplib's timeout starts again with each command."""
    client = getattr(connection, "connection", None)
    if not isinstance(client, smtplib.SMTP) or client.sock is None:
        return None
    handle = SocketHandle(client.sock)
    deadline.watch(handle)
    return handle
