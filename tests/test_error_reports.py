"""What is reported to Sentry, and how often. tests/test_production_logs.py has the real processes."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, OperationalError, ProgrammingError

from common.log_context import about
from common.logs import FloodFilter
from common.outages import Silence
from myproject import error_reports
from myproject.error_reports import before_breadcrumb, before_send, reduced


@pytest.fixture(autouse=True)
def fresh_counts(monkeypatch):
    monkeypatch.setattr(error_reports, "outages_silence", Silence(timedelta(minutes=5)))
    monkeypatch.setattr(error_reports, "floods", FloodFilter(3))


def hint_of(error: Exception) -> Any:
    return {"exc_info": (type(error), error, None)}


def record(name: str = "billing.x", level: int = logging.ERROR, **attributes: Any) -> logging.LogRecord:
    made = logging.LogRecord(name, level, "x.py", 1, "words", (), None)
    vars(made).update(attributes)
    return made


def event_of(error: Exception) -> Any:
    module = type(error).__module__
    return {"exception": {"values": [{"type": type(error).__name__, "module": module, "value": str(error)}]}}


def test_outage_is_reported_once():
    outage = OperationalError("the server closed the connection unexpectedly")
    assert [before_send({}, hint_of(outage)) is None for _ in range(4)] == [False, True, True, True]
    assert before_send({}, hint_of(ProgrammingError("no such table"))) is not None


def test_refused_requests_are_not_reported():
    refused = record("django.security.DisallowedHost", status_code=400)
    assert before_send({}, {"log_record": refused}) is None


def test_errors_that_strangers_cause_are_limited():
    sent = [before_send({}, {"log_record": record()}) is not None for _ in range(10)]
    assert sent == [True] * 3 + [False] * 7


def test_event_keeps_only_what_is_known_to_be_harmless():
    with about(request_id="r-1"):
        event: Any = reduced(
            {
                "level": "error",
                "user": {"email": "ada@example.com"},
                "extra": {"celery-job": {"args": ["ada@example.com"]}},
                "contexts": {"os": {"name": "Linux"}, "response": {"body": "x"}},
                "request": {
                    "url": "https://app.example.com/u/re_0123456789ab?token=s3cret",
                    "method": "POST",
                    "query_string": "token=s3cret",
                    "headers": {"Authorization": "Token s3cret"},
                    "cookies": {"sessionid": "s3cret"},
                    "data": {"password": "s3cret"},
                },
            }
        )
    assert event == {
        "level": "error",
        "tags": {"request_id": "r-1"},
        "contexts": {"os": {"name": "Linux"}},
        "request": {"method": "POST", "url": "https://app.example.com/u/[removed]?…"},
    }


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (AttributeError("'NoneType' object has no attribute 'pk'"), "'NoneType' object has no attribute 'pk'"),
        (ProgrammingError("no such table: x\nLINE 1: INSERT 'ada@example.com'"), "no such table: x"),
        (KeyError("ada@example.com"), "'[address]'"),
        (RuntimeError("The password is hunter2."), error_reports.LEFT_OUT),
        (ValueError("invalid literal: 'hunter2'"), error_reports.LEFT_OUT),
        (DataError('invalid input syntax for type integer: "hunter2"'), error_reports.LEFT_OUT),
    ],
)
def test_text_of_an_exception_is_sent_only_if_it_names_code(error, shown):
    event: Any = reduced(event_of(error))
    assert event["exception"]["values"][0]["value"] == shown


def test_breadcrumbs_are_log_lines_only():
    assert before_breadcrumb({"category": "query", "message": "SELECT"}, {}) is None
    crumb = {"category": "x", "message": "to ada@example.com", "data": {"a": 1}}
    assert before_breadcrumb(crumb, {"log_record": record()}) == {"category": "x", "message": "to [address]"}


def test_other_packages_parameters_stay_here():
    entry = {"message": "%s failed", "formatted": "hunter2 failed", "params": ["hunter2"]}
    theirs: Any = reduced({"logger": "some.package", "logentry": entry})
    assert theirs["logentry"] == {"message": "%s failed"}
    ours: Any = reduced({"logger": "emails.delivery.calls", "logentry": {**entry, "formatted": "m-1 failed"}})
    assert ours["logentry"] == {"message": "m-1 failed"}
