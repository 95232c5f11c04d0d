"""Log lines: nothing in them can be forged, and no client can fill the log."""

import logging
import sys
from datetime import timedelta

import pytest

from common import logs
from common.logs import ClientErrorFilter, FloodFilter, LineFormatter, escape

LINE = "2026-01-01 00:00:00,000 ERROR billing.events: FORGED"
CONTROLS = ["\n", "\r", "\x1b[2K", "\x00", "\x85", "\u2028", "\u2029", "\u202e", "\u200b", "\ufeff", "\ud800", "\x7f"]


@pytest.fixture(autouse=True)
def one_window(monkeypatch):
    """Keep a test that runs across a full minute from starting a new window."""
    monkeypatch.setattr(logs, "WINDOW", timedelta(days=100_000))


def record(message: str, *args: object, name="app", level=logging.WARNING, line=1, error=None, status=None):
    exc_info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord(name, level, "app.py", line, message, args, exc_info)
    if status:
        made.status_code = status
    return made


def caught(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException:
        return sys.exc_info()[1] or error


def format_line(made: logging.LogRecord) -> str:
    return LineFormatter("%(levelname)s %(name)s: %(message)s").format(made)


@pytest.mark.parametrize("control", CONTROLS)
def test_message_is_one_visible_line(control):
    line = format_line(record(f"before{control}%s", f"{control}{LINE}"))
    assert line.isprintable()
    assert line.count("\\") == 2


@pytest.mark.parametrize("control", CONTROLS)
def test_exception_text_is_escaped_and_the_frames_stay(control):
    error = ValueError(f"first{control}{LINE}")
    error.add_note(f"note{control}{LINE}")
    error.__cause__ = caught(RuntimeError(f"cause{control}{LINE}"))
    group = caught(ExceptionGroup(f"group{control}{LINE}", [error]))
    lines = format_line(record("Failed.", error=group)).split("\n")
    assert all(line.isprintable() for line in lines)
    assert not [line for line in lines if line.strip(" |").startswith(("2026-", "[2K"))]
    assert any("in caught" in line for line in lines)


def test_cached_traceback_of_another_handler_is_not_reused():
    made = record("Failed.", error=caught(ValueError(f"x\n{LINE}")))
    logging.Formatter().format(made)
    assert f"\n{LINE}" not in format_line(made)


def test_long_text_is_shortened():
    assert len(format_line(record("%s", "a" * 100_000))) < 1_200
    assert len(format_line(record("x", error=caught(ValueError("a" * 100_000))))) < 2_500


def test_visible_text_stays():
    assert escape("Zoë paid 5 €: 100 % 日本") == "Zoë paid 5 €: 100 % 日本"


def test_flood_is_cut_per_kind():
    floods = FloodFilter(lines_per_minute=3)
    passed = [floods.filter(record(f"Bad host {number}", line=1)) for number in range(100)]
    assert passed == [True] * 3 + [False] * 97
    assert floods.filter(record("Something else", line=2))
    assert floods.filter(record("Bad host", line=1, error=ValueError()))
    assert floods.filter(record("Bad host", line=1, status=404))
    assert floods.filter(record("Progress", level=logging.INFO, line=1))


def test_next_minute_reports_what_was_left_out(monkeypatch):
    floods = FloodFilter(lines_per_minute=3)
    for _ in range(100):
        floods.filter(record("Bad host", name="django.security"))
    monkeypatch.setattr(logs, "WINDOW", timedelta(days=10_000))  # another window
    made = record("%s happened", "Something else")
    assert floods.filter(made)
    assert made.getMessage() == "Something else happened [Left out earlier: 97 of django.security]"
    later = record("Nothing new")
    floods.filter(later)
    assert later.getMessage() == "Nothing new"


@pytest.mark.parametrize(("status", "level"), [(400, logging.WARNING), (404, logging.WARNING), (500, logging.ERROR)])
def test_refused_requests_are_warnings_without_traceback(status, level):
    error = caught(ValueError("bad"))
    made = record("x", name="django.security.Any", level=logging.ERROR, error=error, status=status)
    assert ClientErrorFilter().filter(made)
    assert (made.levelno, bool(made.exc_info)) == (level, status == 500)


def test_other_errors_keep_their_traceback():
    made = record("x", name="billing", level=logging.ERROR, error=caught(ValueError("bad")), status=400)
    ClientErrorFilter().filter(made)
    assert (made.levelname, bool(made.exc_info)) == ("ERROR", True)
