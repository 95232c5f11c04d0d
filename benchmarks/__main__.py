"""Run all benchmarks one after the other, and print each figure next to its target.

    python -m benchmarks                    all of them, about 55 minutes; needs PostgreSQL and redis-server
    python -m benchmarks webhook rate       only those whose command contains one of the words

If possible, a figure is a ratio within one run, because other load on the machine then affects both sides. Seconds and
rates need an idle machine. You can also run a benchmark on its own, such as python benchmarks/queue_cost.py.
The exit code is 1 if a figure misses its target.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.figures import RESULTS

ROOT = Path(__file__).resolve().parent.parent

COMMANDS = [
    "queue_cost.py",
    "send_cost.py",
    "event_cost.py",
    "person_cost.py",
    "operator_pages.py",
    "claim_cost.py",
    "growth.py",
    "purge.py",
    "wakeup_cost.py",
    "cache_outage.py",
    "limits.py",
    "same_answer.py",
    "password_check.py",
    "login_storm.py",
    "webhook_rate.py",
    "metrics_cost.py",
    "drain_rate.py",
    "drain_rate.py --provider sendgrid",
    "batch_rate.py",
    "batch_rate.py --limit 5",
    "backlog.py",
    "priority.py",
    "rate_limit.py",
    "redis_outage.py",
    "slow_clients.py",
    "failover.py",
    "first_email.py",
]


def run(command: str) -> list[Any]:
    """Run one benchmark and show its output.

    Returns a row for each figure: command, figure, value, target, and whether it is reached. If the benchmark fails
    without missing a target, one more row reports its exit code.
    """
    print(f"\n== {command}", flush=True)
    name, *arguments = command.split()
    started = time.monotonic()
    with tempfile.NamedTemporaryFile("r") as results:
        environment = os.environ | {RESULTS: results.name}
        done = subprocess.run([sys.executable, ROOT / "benchmarks" / name, *arguments], cwd=ROOT, env=environment)
        figures = [json.loads(line) for line in results]
    print(f"-- {time.monotonic() - started:.0f} s", flush=True)
    if done.returncode and all(is_reached for *_, is_reached in figures):
        figures.append(["completes", f"exit code {done.returncode}", "0", False])
    return [[command, *figure] for figure in figures]


def print_table(figures: list[Any]) -> None:
    rows = [["benchmark", "figure", "now", "target", ""]]
    rows += [[*texts, "" if is_reached else "MISSED"] for *texts, is_reached in figures]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print()
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def main() -> int:
    words = sys.argv[1:]
    commands = [command for command in COMMANDS if not words or any(word in command for word in words)]
    figures = [figure for command in commands for figure in run(command)]
    print_table(figures)
    return 0 if all(is_reached for *_, is_reached in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
