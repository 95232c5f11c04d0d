"""The log during development: one line for each email, and no line for each look at the development pages."""

import logging

import pytest

from emails.delivery.transitions import fail
from emails.development.log_lines import EmailLineFormatter, QuietRequestsFilter
from emails.models import ContactChange, OutboundEmail, Reason


@pytest.fixture
def lines():
    """The lines that the worker writes with the formatter of settings.development."""
    lines = []

    class Handler(logging.Handler):
        def emit(self, record):
            lines.append(self.format(record))

    handler = Handler()
    handler.setFormatter(EmailLineFormatter("%(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("emails.delivery")
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


@pytest.fixture
def routes(settings, db):
    settings.ROOT_URLCONF = "emails.tests.support.urls"
    settings.DEVELOPMENT_ROUTES = True
    settings.PORT = 8123


def test_email_has_one_line_with_a_link(lines, routes):
    email = OutboundEmail(kind="receipt", recipients="ada@example.com bob@example.com")
    fail(email, Reason.REFUSED, "550 no\nsuch \x1b[31muser", email.created_at)
    assert lines == [
        "ERROR receipt to ada@example.com, bob@example.com: failed (refused): 550 no\\nsuch \\x1b[31muser "
        f"http://localhost:8123/dev/inbox/{email.pk}/"
    ]


def test_without_development_routes_the_link_leads_to_the_admin(lines, routes, settings):
    settings.DEVELOPMENT_ROUTES = False
    email = OutboundEmail(recipients="ada@example.com")
    fail(email, Reason.REFUSED, "no", email.created_at)
    assert lines == [
        "ERROR email to ada@example.com: failed (refused): no "
        f"http://localhost:8123/admin/emails/outboundemail/{email.pk}/change/"
    ]


def test_contact_changes_and_other_records_keep_their_form(lines, routes):
    change = ContactChange(address="ada@example.com")
    fail(change, Reason.REFUSED, "no", change.created_at)
    logging.getLogger("emails.delivery.drain").warning("Something %s.", "else")
    assert lines[0].startswith("ERROR emails.delivery.transitions: Message ")
    assert lines[1] == "WARNING emails.delivery.drain: Something else."


@pytest.mark.parametrize(
    ("request_line", "status", "is_shown"),
    [
        ("GET / HTTP/1.1", 200, True),
        ("GET /dev/inbox.json?since=1 HTTP/1.1", 200, False),
        ("GET /static/site.css HTTP/1.1", 304, False),
        ("GET /static/missing.css HTTP/1.1", 404, True),
        ("GET /dev/inbox/ HTTP/1.1", 500, True),
    ],
)
def test_frequent_requests_are_left_out_unless_they_fail(request_line, status, is_shown):
    record = logging.LogRecord(
        "django.server", logging.INFO, "", 1, '"%s" %s %s', (request_line, str(status), "5"), None
    )
    record.status_code = status
    assert QuietRequestsFilter().filter(record) is is_shown
