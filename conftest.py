"""What all tests share: how many processes run them, the cache's patience, and the list of slow tests at the end."""

import os
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain

import pytest
from _pytest.terminal import TerminalReporter
from hypothesis import HealthCheck, settings

from common import cache

RUNS_SLOW = os.environ.get("RUN_SLOW") == "1"

# By default an example that takes long, or one that is generated slowly, fails the test.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.hookimpl(optionalhook=True)  # -p no:xdist
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run the tests of a single file in this process: starting workers would take longer than most files do."""
    is_one_file = len(config.args) == 1 and ".py" in config.args[0]
    return 0 if is_one_file else None  # None: one worker per core


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if RUNS_SLOW:  # first, so that at the end no worker is left alone with one of them
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: RUN_SLOW=1 runs it"))


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """List the slow tests of this run by name, with the seconds that each took."""
    seconds: dict[str, float] = {}
    for report in chain(*terminalreporter.stats.values()):
        if isinstance(report, pytest.TestReport) and "slow" in report.keywords:
            seconds[report.nodeid] = seconds.get(report.nodeid, 0.0) + report.duration
    if seconds:
        terminalreporter.section("slow tests" if RUNS_SLOW else "slow tests, skipped: RUN_SLOW=1 runs them")
    for name, duration in sorted(seconds.items()):
        terminalreporter.write_line(f"{duration:7.1f} s  {name}" if RUNS_SLOW else name)


@pytest.fixture(scope="session", autouse=True)
def patient_cache() -> Iterator[None]:
    """On a busy machine Redis may need longer for an answer than production waits for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "CALL_TIMEOUT", timedelta(seconds=60))
        yield
