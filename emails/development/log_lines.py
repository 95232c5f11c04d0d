"""The log during development: one short line for each email, with a link to it."""

import logging
from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from common.logs import LineFormatter, escape, shorten

MAX_RECIPIENTS_CHARACTERS = 100


class EmailLineFormatter(LineFormatter):
    """Shows records about an email as: receipt to ada@example.com: sent (resend) http://localhost:8000/dev/inbox/…/

    Such a record has the attributes ``email``, an OutboundEmail, and ``outcome``.
    """

    def format(self, record: logging.LogRecord) -> str:
        email: Any = getattr(record, "email", None)
        # Contact changes have no recipients. The model can't be imported here: logging is set up before the models are.
        if not hasattr(email, "recipients") or not hasattr(record, "outcome"):
            return super().format(record)
        recipients = shorten(escape(", ".join(email.recipients.split())), MAX_RECIPIENTS_CHARACTERS)
        outcome = shorten(escape(vars(record)["outcome"]))
        level = "" if record.levelno < logging.WARNING else f"{record.levelname} "
        return f"{level}{email.kind or 'email'} to {recipients}: {outcome} {url_of(email)}".rstrip()


def url_of(email: Any) -> str:
    """Return the URL of the email in the development inbox, or else in the admin."""
    name = "development:message" if settings.DEVELOPMENT_ROUTES else "admin:emails_outboundemail_change"
    try:
        return f"http://localhost:{settings.PORT}{reverse(name, args=[email.pk])}"
    except NoReverseMatch:  # the routes of this process differ
        return ""


class QuietRequestsFilter(logging.Filter):
    """Leaves out successful requests for static files and those with which development pages look for news."""

    def filter(self, record: logging.LogRecord) -> bool:
        status = getattr(record, "status_code", None)
        path = str(record.args[0]).partition(" ")[2] if isinstance(record.args, tuple) and record.args else ""
        is_frequent = path.startswith(("/static/", "/dev/", "/healthz", "/favicon"))
        return not (is_frequent and isinstance(status, int) and status < 400)
