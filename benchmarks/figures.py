"""Output of benchmark figures, each next to its target."""

import json
import os
from pathlib import Path

RESULTS = "BENCHMARK_RESULTS"  # the environment variable with the path of the file that benchmarks/__main__.py reads


def report(figure: str, value: float, target: float, unit: str = "", *, at_least: bool = False) -> bool:
    """Print the figure and its target. Returns whether the value reaches the target.

    The target is the highest value that is allowed or, with ``at_least``, the lowest.
    """
    is_reached = value >= target if at_least else value <= target
    bound = "at least" if at_least else "at most"
    print(f"{figure}: {number(value)}{unit}, target: {bound} {number(target)}{unit}{'' if is_reached else ' MISSED'}")
    if path := os.environ.get(RESULTS):
        with Path(path).open("a") as results:
            results.write(json.dumps([figure, f"{number(value)}{unit}", f"{bound} {number(target)}{unit}", is_reached]))
            results.write("\n")
    return is_reached


def number(value: float) -> str:
    """Return the value with three significant digits, or as a whole number from 100 on."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
