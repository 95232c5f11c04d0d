"""The part of PromQL that our alert rules use, evaluated on real scrapes. Unknown syntax is an error.

The semantics are Prometheus's: https://prometheus.io/docs/prometheus/latest/querying/ and, for increase(), its
``extrapolatedRate``. If promtool is installed, operations/tests/test_alerts.py compares the two.
"""

import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NoReturn

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
Result = Vector | float
Series = tuple[str, Labels]

LOOKBACK = 300.0  # seconds; an older sample isn't current any more
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)(?![\w.])|(?P<range>\[\d+[smhd]\])|(?P<name>[a-zA-Z_:][\w:]*)"
    r'|(?P<string>"[^"\\]*")|(?P<symbol>=~|!~|==|!=|>=|<=|[-+*/()<>{},=]))'
)
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left / right if right else float("nan") if not left else float("inf"),
}
AGGREGATIONS: Mapping[str, Callable[[Sequence[float]], float]] = {"sum": sum, "max": max, "min": min}
LEVELS = (["or"], ["and", "unless"], [*COMPARISONS], ["+", "-"], ["*", "/"])  # the loosest first


@dataclass
class Samples:
    """What Prometheus has stored: the value of each series at each scrape. None: the series was gone."""

    series: dict[Series, list[tuple[float, float | None]]] = field(default_factory=dict)

    def add(self, time: float, scraped: Mapping[Series, float]) -> None:
        for key in self.series.keys() - scraped.keys():
            self.series[key].append((time, None))
        for key, value in scraped.items():
            self.series.setdefault(key, []).append((time, value))

    def current(self, time: float, name: str, matches: Callable[[Labels], bool]) -> Vector:
        found = {}
        for labels, samples in self._of(name, matches):
            recent = [value for at, value in samples if time - LOOKBACK < at <= time]
            if recent and recent[-1] is not None:
                found[labels] = recent[-1]
        return found

    def between(
        self, begin: float, end: float, name: str, matches: Callable[[Labels], bool]
    ) -> Iterator[tuple[Labels, list[tuple[float, float]]]]:
        for labels, samples in self._of(name, matches):
            yield labels, [(at, value) for at, value in samples if begin <= at <= end and value is not None]

    def _of(
        self, name: str, matches: Callable[[Labels], bool]
    ) -> Iterator[tuple[Labels, list[tuple[float, float | None]]]]:
        for (metric, labels), samples in self.series.items():
            if metric == name and matches(labels):
                yield labels, samples


@dataclass(frozen=True)
class Binary:
    operator: str
    left: Any
    right: Any

    def evaluate(self, samples: Samples, time: float) -> Result:
        left, right = self.left.evaluate(samples, time), self.right.evaluate(samples, time)
        if self.operator in ("or", "and", "unless"):
            return self.of_sets(as_vector(left), as_vector(right))
        if isinstance(left, float) and isinstance(right, float):
            return self.of_scalars(left, right)
        return dict(self.of_pairs(left, right))

    def of_sets(self, left: Vector, right: Vector) -> Vector:
        if self.operator == "or":
            return {**right, **left}
        return {labels: value for labels, value in left.items() if (labels in right) == (self.operator == "and")}

    def of_scalars(self, left: float, right: float) -> float:
        assert self.operator in ARITHMETIC, "PromQL compares two numbers only with bool"
        return ARITHMETIC[self.operator](left, right)

    def of_pairs(self, left: Result, right: Result) -> Iterator[tuple[Labels, float]]:
        keys = left if isinstance(left, dict) else right
        assert isinstance(keys, dict)
        for labels in keys:
            one = left if isinstance(left, float) else left.get(labels)
            other = right if isinstance(right, float) else right.get(labels)
            if one is None or other is None:
                continue
            if self.operator in ARITHMETIC:
                yield labels, ARITHMETIC[self.operator](one, other)
            elif COMPARISONS[self.operator](one, other):
                yield labels, one if isinstance(left, dict) else other


@dataclass(frozen=True)
class Number:
    value: float

    def evaluate(self, samples: Samples, time: float) -> Result:
        return self.value


@dataclass(frozen=True)
class Aggregation:
    name: str
    by: tuple[str, ...]
    inner: Any

    def evaluate(self, samples: Samples, time: float) -> Result:
        groups: defaultdict[Labels, list[float]] = defaultdict(list)
        for labels, value in as_vector(self.inner.evaluate(samples, time)).items():
            groups[frozenset(pair for pair in labels if pair[0] in self.by)].append(value)
        return {labels: AGGREGATIONS[self.name](values) for labels, values in groups.items()}


@dataclass(frozen=True)
class Selector:
    name: str
    matchers: tuple[tuple[str, str, str], ...]
    seconds: float = 0

    def matches(self, labels: Labels) -> bool:
        values = dict(labels)
        return all(is_match(values.get(name, ""), symbol, wanted) for name, symbol, wanted in self.matchers)

    def evaluate(self, samples: Samples, time: float) -> Result:
        assert not self.seconds, "a range is allowed only in increase()"
        return samples.current(time, self.name, self.matches)


@dataclass(frozen=True)
class Increase:
    selector: Selector

    def evaluate(self, samples: Samples, time: float) -> Result:
        begin = time - self.selector.seconds
        found = samples.between(begin, time, self.selector.name, self.selector.matches)
        return {labels: increase(points, begin, time) for labels, points in found if len(points) > 1}


def increase(points: Sequence[tuple[float, float]], begin: float, end: float) -> float:
    """Return the increase of a counter, extrapolated to the whole range as Prometheus does."""
    values = [value for _, value in points]
    result = sum(later - earlier if later >= earlier else later for earlier, later in pairwise(values))
    sampled = points[-1][0] - points[0][0]
    average = sampled / (len(points) - 1)
    before, after = points[0][0] - begin, end - points[-1][0]
    if result > 0:  # a counter can't have been below zero
        before = min(before, sampled * values[0] / result)
    whole = sampled + sum(gap if gap < average * 1.1 else average / 2 for gap in (before, after))
    return result * whole / sampled


def is_match(value: str, symbol: str, wanted: str) -> bool:
    found = bool(re.fullmatch(wanted, value)) if "~" in symbol else value == wanted
    return found != symbol.startswith("!")


def as_vector(result: Result) -> Vector:
    assert isinstance(result, dict), "a number stands where PromQL expects series"
    return result


def parse(text: str) -> Any:
    """Return the expression, which has ``evaluate()``. Raises ValueError if it uses anything else."""
    parser = Parser(text)
    found = parser.level(0)
    if parser.position < len(parser.tokens):
        parser.fail()
    return found


class Parser:
    def __init__(self, text: str) -> None:
        self.text, self.position, at = text, 0, 0
        self.tokens: list[tuple[str, str]] = []
        while at < len(text.rstrip()):
            match = TOKEN.match(text, at)
            if match is None:
                raise ValueError(f"not in the part of PromQL that is supported: {text[at:]!r}")
            self.tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            at = match.end()

    def fail(self) -> NoReturn:
        raise ValueError(f"not in the part of PromQL that is supported: {self.text!r} at {self.peek()[1]!r}")

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.position] if self.position < len(self.tokens) else ("end", "")

    def take(self, *wanted: str) -> str:
        """Return the next token, which must be one of the wanted texts or types."""
        kind, text = self.peek()
        if kind not in wanted and text not in wanted:
            self.fail()
        self.position += 1
        return text

    def level(self, number: int) -> Any:
        if number == len(LEVELS):
            return self.primary()
        left = self.level(number + 1)
        while self.peek()[1] in LEVELS[number] and self.peek()[0] != "string":
            left = Binary(self.take(*LEVELS[number]), left, self.level(number + 1))
        return left

    def primary(self) -> Any:
        kind, text = self.peek()
        if kind == "number":
            return Number(float(self.take("number")))
        if text == "(":
            return self.in_parentheses(lambda: self.level(0))
        name = self.take("name")
        if name in AGGREGATIONS:
            return Aggregation(name, self.grouping(), self.in_parentheses(lambda: self.level(0)))
        if name == "increase":
            return Increase(self.in_parentheses(lambda: self.selector(self.take("name"), needs_range=True)))
        return self.selector(name)

    def in_parentheses(self, inner: Callable[[], Any]) -> Any:
        self.take("(")
        found = inner()
        self.take(")")
        return found

    def grouping(self) -> tuple[str, ...]:
        if self.peek()[1] != "by":
            return ()
        self.take("by")
        names: tuple[str, ...] = self.in_parentheses(lambda: tuple(self.listed(lambda: self.take("name"), ")")))
        return names

    def listed(self, item: Callable[[], Any], end: str) -> Iterator[Any]:
        while self.peek()[1] != end:
            yield item()
            if self.peek()[1] != end:
                self.take(",")

    def selector(self, name: str, *, needs_range: bool = False) -> Selector:
        if self.peek()[1] == "(":  # an unknown function
            self.fail()
        matchers: tuple[Any, ...] = ()
        if self.peek()[1] == "{":
            self.take("{")
            matchers = tuple(self.listed(self.matcher, "}"))
            self.take("}")
        seconds = self.seconds() if needs_range else 0
        return Selector(name, matchers, seconds)

    def matcher(self) -> tuple[str, str, str]:
        return self.take("name"), self.take("=", "!=", "=~", "!~"), self.take("string")[1:-1]

    def seconds(self) -> int:
        text = self.take("range")
        return int(text[1:-2]) * UNITS[text[-2]]
