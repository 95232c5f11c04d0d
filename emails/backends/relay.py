"""Delivery through any other Django email backend: SMTP, the console, Anymail's, one's own."""

import json
import logging
import smtplib
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.module_loading import import_string

from common.http.deadline import Call, DeadlinePassed, Line
from emails.backends.base import DeliveryBackend, Receipt, Request
from emails.backends.classification import (
    MESSAGE_NEEDS_A_PERSON,
    NEEDS_A_PERSON,
    REFUSED,
    REFUSED_FOR_NOW,
    UNKNOWN,
    Verdict,
    verdict_on,
)
from emails.errors import InvalidMessage, ProviderError
from emails.message import Message

logger = logging.getLogger(__name__)

SMTP_CODES_FOR_A_PERSON = {530, 534, 535, 538}  # RFC 4954: the server wants another log-in


class RelayBackend(DeliveryBackend):
    """Hands messages to another backend, on a connection of its own per call.

    Such a backend knows no Idempotency-Key, but every repeat carries the same Message-ID, by which a person or a mail
    server can tell it.
    """

    def __init__(self, backend: str, name: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = name or backend
        try:
            found = import_string(backend)
        except ImportError as error:
            trouble = f"cannot be imported: {error}"
        else:
            trouble = "" if isinstance(found, type) else "is not a class"
        if trouble:
            raise ImproperlyConfigured(f"EMAIL_DELIVERY_BACKEND {backend!r} {trouble}.")
        self.backend_class: type[BaseEmailBackend] = found

    def serialise(self, message: Message) -> bytes:
        headers = dict(message.headers)
        if not any(name.lower() == "message-id" for name in headers):
            headers["Message-ID"] = f"<{message.id}@{message.from_email.domain}>"
        data = message.to_json() | {"headers": list(headers.items())}
        self._refuse_what_is_no_mail(Message.from_json(data))
        return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()

    def request(self, parts: Sequence[bytes]) -> Request:
        [body] = parts
        return Request(endpoint="", body=body)

    def _refuse_what_is_no_mail(self, message: Message) -> None:
        """A message that cannot become MIME would fail at every try."""
        try:
            message.to_django().message()
        except (ValueError, LookupError, TypeError) as error:
            reason = str(error)
        else:
            return
        raise InvalidMessage(f"The message can't be converted to MIME: {reason}")

    def call(self, request: Request, idempotency_key: str) -> Receipt:
        message = Message.from_json(json.loads(request.body))
        result = self._deliver(message)
        if isinstance(result, Receipt):
            return result
        raise result  # here, where no exception that may hold the provider's key is being handled

    def _deliver(self, message: Message) -> Receipt | ProviderError:
        with Call(settings.EMAIL_CALL_DEADLINE_SECONDS) as call:
            try:
                connection = self.backend_class()
                connection.open()
                call.check()
            except Exception as error:  # whatever it was, nothing was handed over yet
                return self._error(error, verdict_on_opening(error))
            try:
                return self._hand_over(message, connection, call)
            except Exception as error:  # any backend may raise anything; what it was is recorded with the message
                return self._error(error, verdict_on_sending(error))
            finally:
                self._close(connection)

    def _hand_over(self, message: Message, connection: BaseEmailBackend, call: Call) -> Receipt | ProviderError:
        line = _watch_smtp(connection, call)
        try:
            count = connection.send_messages([message.to_django(connection)])
        finally:
            if line is not None:
                line.close()
        if count == 0:
            return ProviderError(self.name, "The backend sent no message and gave no reason.", **REFUSED._asdict())
        return Receipt(("",))  # some backends count nothing and return None

    def _close(self, connection: BaseEmailBackend) -> None:
        try:
            connection.close()
        except Exception as error:  # the mail is delivered or not, whatever happens while hanging up
            logger.debug("%s did not close cleanly: %s", self.name, type(error).__name__)

    def _error(self, error: Exception, verdict: Verdict) -> ProviderError:
        return ProviderError(self.name, describe(error), status=status_of(error), **verdict._asdict())


def verdict_on_opening(error: Exception) -> Verdict:
    code = status_of(error)
    is_about_settings = isinstance(error, ImproperlyConfigured | smtplib.SMTPNotSupportedError | TypeError | ValueError)
    if is_about_settings or isinstance(error, smtplib.SMTPAuthenticationError) or code in SMTP_CODES_FOR_A_PERSON:
        # 4xx to a log-in is the server's own trouble (RFC 4954, 454: temporary authentication failure).
        return REFUSED_FOR_NOW if code is not None and 400 <= code < 500 else NEEDS_A_PERSON
    return REFUSED_FOR_NOW


def verdict_on_sending(error: Exception) -> Verdict:
    if isinstance(error, ImproperlyConfigured):
        return NEEDS_A_PERSON
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return REFUSED
    if isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException):
        return verdict_on_smtp_code(status_of(error) or 0)
    status = getattr(error, "status_code", None)  # Anymail's errors
    if isinstance(status, int):
        return verdict_on(status, "")
    is_refusal_of_anymail = isinstance(error, ValueError) and hasattr(error, "email_message")
    return REFUSED if is_refusal_of_anymail else UNKNOWN


def verdict_on_smtp_code(code: int) -> Verdict:
    if code in SMTP_CODES_FOR_A_PERSON:
        return MESSAGE_NEEDS_A_PERSON
    if 500 <= code < 600:
        return REFUSED
    return REFUSED_FOR_NOW if 400 <= code < 500 else UNKNOWN


def status_of(error: Exception) -> int | None:
    """SMTP's or HTTP's code. Of refused recipients a temporary one, if there is any: then a repeat can help."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return min((code for code, _ in error.recipients.values()), default=None)
    code = getattr(error, "smtp_code", None) or getattr(error, "status_code", None)
    return code if isinstance(code, int) and code > 0 else None


def describe(error: Exception) -> str:
    """What the server said. Of other exceptions only the kind: Anymail's texts hold the request with its key."""
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


def _watch_smtp(connection: BaseEmailBackend, call: Call) -> Line | None:
    """SMTP's time-outs begin anew with every command: let the call's deadline cut the whole conversation."""
    client = getattr(connection, "connection", None)
    if not isinstance(client, smtplib.SMTP) or client.sock is None:
        return None
    line = Line(client.sock)
    call.take(line)
    return line
