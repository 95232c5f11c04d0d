"""The figures of a benchmark, each printed next to its target."""

import json
import os
from pathlib import Path

RESULTS = "BENCHMARK_RESULTS"  # the variable that names the file in which `python -m benchmarks` collects the figures


def report(figure: str, value: float, target: float, unit: str = "", *, at_least: bool = False) -> bool:
    """Print the figure and its target; returns whether it reaches the target, which is the most allowed by default."""
    is_reached = value >= target if at_least else value <= target
    bound = "at least" if at_least else "at most"
    print(f"{figure}: {number(value)}{unit}, target: {bound} {number(target)}{unit}{'' if is_reached else ' MISSED'}")
    if path := os.environ.get(RESULTS):
        with Path(path).open("a") as results:
            results.write(json.dumps([figure, f"{number(value)}{unit}", f"{bound} {number(target)}{unit}", is_reached]))
            results.write("\n")
    return is_reached


def number(value: float) -> str:
    """Three significant digits, and thousands in full."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
