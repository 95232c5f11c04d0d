"""Finds variables whose names are almost those of this project. Otherwise, EMAIL_PROVIDR would silently do nothing."""

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise

# Names that look like ours and belong to something else. Add yours here.
NOT_OURS: frozenset[str] = frozenset()
ENVIRONMENT = "the environment"
# In a shorter name, no letter may be replaced: API_URL is no misspelling of APP_URL.
LONG_NAME = 8


def misspellings(found: Mapping[str, str], known: Collection[str]) -> Iterator[str]:
    """Yield a sentence without a period for each name that is almost known. ``found``: where each name is set.

    The environment of a process may contain anything, so only long names in capital letters count there.
    """
    for name, source in sorted(found.items()):
        is_from_elsewhere = name in NOT_OURS or any(name.startswith(f"{ours}_") for ours in known)
        is_unclear = source == ENVIRONMENT and not (len(name) >= LONG_NAME and "_" in name and name.isupper())
        if name in known or is_from_elsewhere or is_unclear:
            continue
        if meant := closest(name, known):
            yield (
                f"{name} in {source} is not a variable of this project. Did you mean {meant}? "
                "If it belongs to something else, add it to NOT_OURS in settings/misspellings.py"
            )


def closest(name: str, known: Collection[str]) -> str:
    """Return the known name that one or two typing mistakes could have turned into this one, or an empty string."""
    distances = [(typing_mistakes(name.upper(), ours), ours) for ours in known if abs(len(ours) - len(name)) <= 2]
    distance, ours = min(distances, default=(len(name), ""))
    return ours if distance <= (2 if len(ours) >= LONG_NAME else 1) else ""


def typing_mistakes(name: str, ours: str) -> int:
    """Return how many letters were left out, added, replaced, or swapped with their neighbor.

    This is the optimal string alignment distance, row by row.
    """
    replacing = 1 if len(ours) >= LONG_NAME else 2
    two_above: list[int] = []
    above = list(range(len(ours) + 1))
    for i, (left_before, left) in enumerate(pairwise(f" {name}"), start=1):
        row = [i]
        for j, (right_before, right) in enumerate(pairwise(f" {ours}"), start=1):
            costs = [above[j] + 1, row[-1] + 1, above[j - 1] + (replacing if left != right else 0)]
            if two_above and j > 1 and (left, left_before) == (right_before, right):
                costs.append(two_above[j - 2] + 1)
            row.append(min(costs))
        two_above, above = above, row
    return above[-1]
