"""Configuration of all tests: the number of processes, the cache, slow tests, and a database for parallel threads."""

import os
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter
from django.db import connections
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from common import cache
from common.windows import process_windows

RUNS_EXHAUSTIVE = os.environ.get("RUN_SLOW") == "all"
RUNS_SLOW = RUNS_EXHAUSTIVE or os.environ.get("RUN_SLOW") == "1"

# By default, Hypothesis fails a test if an example takes long or is generated slowly. On a busy machine, both happen
# without a fault in the code.
hypothesis_settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("any machine")


@pytest.hookimpl(optionalhook=True)  # Without optionalhook, pytest refuses this hook when it runs with "-p no:xdist".
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Return 0 for a single file, so that its tests run in this process, and otherwise None for one worker per core.

    Starting the workers would take longer than the tests of most files.
    """
    is_one_file = len(config.args) == 1 and ".py" in config.args[0]
    return 0 if is_one_file else None


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before "-m database" selects, and after pytest-django has sorted
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Mark the tests with a database, and put the slow ones first.

    Skip the slow tests unless RUN_SLOW=1 is set, and the exhaustive ones unless RUN_SLOW=all is set.
    """
    for item in items:
        if has_database(item):
            item.add_marker("database")
        if item.get_closest_marker("exhaustive") and not RUNS_EXHAUSTIVE:
            item.add_marker(pytest.mark.skip(reason="exhaustive: RUN_SLOW=all runs it"))
        if item.get_closest_marker("slow") and not RUNS_SLOW:
            item.add_marker(pytest.mark.skip(reason="slow: RUN_SLOW=1 runs it"))
    yield
    if RUNS_SLOW:
        items.sort(key=lambda item: not runs_early(item))


def has_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return bool(item.get_closest_marker("django_db")) or "db" in fixtures or "transactional_db" in fixtures


def runs_early(item: pytest.Item) -> bool:
    """Return whether a test takes long and can run before all others.

    If a slow test came last, all workers but one would wait for it. Tests with the database keep pytest-django's order,
    in which those that clear its tables come last.
    """
    return bool(item.get_closest_marker("slow")) and not item.get_closest_marker("database")


def is_slow(report: pytest.TestReport) -> bool:
    return "slow" in report.keywords and (RUNS_EXHAUSTIVE or "exhaustive" not in report.keywords)


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """List the slow tests of this run by name, with the seconds that each took."""
    seconds: dict[str, float] = {}
    for report in chain(*terminalreporter.stats.values()):
        if isinstance(report, pytest.TestReport) and is_slow(report):
            seconds[report.nodeid] = seconds.get(report.nodeid, 0.0) + report.duration
    if seconds:
        terminalreporter.section("slow tests" if RUNS_SLOW else "slow tests, skipped: RUN_SLOW=1 runs them")
    for name, duration in sorted(seconds.items()):
        terminalreporter.write_line(f"{duration:7.1f} s  {name}" if RUNS_SLOW else name)


@pytest.fixture(scope="session", autouse=True)
def patient_cache() -> Iterator[None]:
    """Wait up to 60 seconds for Redis, because it may be slow on a busy machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "CALL_TIMEOUT", timedelta(seconds=60))
        yield


@pytest.fixture(autouse=True)
def reset_limits() -> None:
    """Forget the requests of other tests, which count toward the same limits."""
    process_windows.clear()


@pytest.fixture
def shared_database(transactional_db: None, tmp_path: Path) -> Iterator[None]:
    """Use a SQLite file as the database, because an in-memory database can't wait for a lock of another thread.

    This fixture changes nothing if the tests run on PostgreSQL.
    """
    in_memory = connections["default"]
    if in_memory.vendor != "sqlite":
        yield
        return
    in_memory.cursor().execute("VACUUM INTO %s", [f"{tmp_path}/db.sqlite3"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(connections.settings["default"], "NAME", f"{tmp_path}/db.sqlite3")
        connections["default"] = connections.create_connection("default")
        yield
        connections["default"].close()
    connections["default"] = in_memory
