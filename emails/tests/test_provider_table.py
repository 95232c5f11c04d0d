"""The table in docs/providers.md: for each cell, such a message is sent, and the cell must say what happens."""

import re
from email import message_from_bytes
from pathlib import Path
from uuid import uuid4

import django
import pytest

from emails.backends import get_backend
from emails.errors import InvalidMessage
from emails.message import Message
from emails.tests.support.captured import REFUSED, payload_or_refused
from emails.tests.support.carried import FEATURES, Arrived
from emails.tests.support.smtp_server import SmtpServer

PAGE = Path(__file__).resolve().parents[2] / "docs" / "providers.md"
COLUMNS = ["smtp", "sequenzy", "resend", "sendgrid"]
CELL = re.compile(r"(carried|refused|dropped|kept)\b")
TABLE = re.compile(
    r"^\| of Django and Anymail \| SMTP \| Sequenzy \| Resend \| SendGrid \|\n\|[-|]+\|\n((?:\|.*\n)+)", re.M
)


def table():
    """The cells of each row, by its first cell."""
    match = TABLE.search(PAGE.read_text())
    assert match, f"{PAGE.name} has no table of what each provider carries"
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in match[1].splitlines()]
    return {feature: dict(zip(COLUMNS, cells, strict=True)) for feature, *cells in rows}


def over_smtp(message, settings):
    """What arrives at an SMTP server, or REFUSED if the message is refused before any connection."""
    with SmtpServer() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        backend = get_backend("smtp")
        try:
            request = backend.request([backend.serialize(Message.from_django(message, uuid4()))])
        except InvalidMessage:
            assert server.messages == []
            return REFUSED
        backend.call(request, idempotency_key="key")
        return Arrived("smtp", mime=message_from_bytes(server.messages[0]), envelope=server.envelopes[0])


def outcome(provider, feature, provider_api, settings):
    message = feature.make()
    if provider == "smtp":
        arrived = over_smtp(message, settings)
    else:
        payload = payload_or_refused(provider, provider_api, message)
        arrived = payload if payload == REFUSED else Arrived(provider, payload)
    if arrived == REFUSED:
        return "refused"
    if feature.arrived(arrived):
        return "carried"
    stored = Message.from_django(message, uuid4())
    return "kept" if stored.tags or stored.metadata else "dropped"


def test_table_has_a_row_for_each_feature():
    assert table().keys() == FEATURES.keys()


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", FEATURES)
def test_cell_says_what_happens(provider_api, settings, column, name):
    cell = table()[name][column]
    word = CELL.match(cell)
    assert word, f"{cell!r} begins with none of carried, refused, dropped, kept"
    if "Django 5.2" in name + cell and django.VERSION >= (6, 0):
        pytest.skip("Django 6.0 removed it")
    assert word[0] == outcome(column, FEATURES[name], provider_api, settings)
