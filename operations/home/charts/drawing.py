"""Places bars in an SVG. All lengths are in the units of its viewBox."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

WIDTH, HEIGHT = 360, 170
TOP, BOTTOM, RIGHT = 8, 22, 4
CHARACTER = 6.2  # the width of a digit in the axis's font
GAP = 0.25  # of the width of a bucket
FINEST = 0.5  # a bar that isn't zero is at least this high


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of bars. ``number`` chooses its color and pattern, from 1."""

    number: int
    label: str
    values: Sequence[int]

    @property
    def total(self) -> int:
        return sum(self.values)


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    number: int
    title: str


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """One hour or day. ``tick`` is its label on the axis, or empty."""

    label: str
    tick: str = ""


@dataclass(frozen=True)
class Chart:
    """Bars of several series, stacked or side by side. ``write`` formats a value."""

    name: str  # of its elements
    title: str
    buckets: Sequence[Bucket]
    series: Sequence[Series]
    write: Callable[[int], str]
    is_stacked: bool = True

    width, height = WIDTH, HEIGHT
    bottom = HEIGHT - BOTTOM

    @property
    def is_empty(self) -> bool:
        return not any(series.total for series in self.series)

    @property
    def description(self) -> str:
        """The totals in words, for people who don't see the bars."""
        return "; ".join(f"{series.label}: {self.write(series.total)}" for series in self.series)

    @property
    def legend(self) -> Iterator[tuple[Series, str]]:
        for series in self.series:
            yield series, self.write(series.total)

    @property
    def rows(self) -> Iterator[tuple[str, list[str]]]:
        """The values in words by bucket, the newest first."""
        for index in reversed(range(len(self.buckets))):
            yield self.buckets[index].label, [self.write(series.values[index]) for series in self.series]

    @cached_property
    def top_value(self) -> int:
        """The value at the top of the axis: the highest bar, rounded up."""
        columns = zip(*(series.values for series in self.series), strict=True)
        heights: list[int] = [sum(column) if self.is_stacked else max(column) for column in columns]
        return rounded_up(max(heights, default=0))

    @cached_property
    def left(self) -> float:
        return max(len(self.write(value)) for value in self.axis_values) * CHARACTER + 6

    @property
    def right(self) -> float:
        return WIDTH - RIGHT

    @cached_property
    def axis_values(self) -> list[int]:
        half = self.top_value // 2
        return [0, half, self.top_value] if half * 2 == self.top_value else [0, self.top_value]

    @property
    def values_on_axis(self) -> list[Tick]:
        return [Tick(round(self.y_of(value), 1), self.write(value)) for value in self.axis_values]

    @property
    def ticks(self) -> list[Tick]:
        return [
            Tick(round(self.left + (index + 0.5) * self.step, 1), bucket.tick)
            for index, bucket in enumerate(self.buckets)
            if bucket.tick
        ]

    @property
    def step(self) -> float:
        return (self.right - self.left) / len(self.buckets)

    def y_of(self, value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / self.top_value)

    @property
    def bars(self) -> Iterator[Bar]:
        for index, bucket in enumerate(self.buckets):
            yield from self.stack(index, bucket) if self.is_stacked else self.group(index, bucket)

    def stack(self, index: int, bucket: Bucket) -> Iterator[Bar]:
        below = 0
        for series in self.series:
            if value := series.values[index]:
                yield self.bar(index, 0, 1, (below, below + value), series, bucket)
                below += value

    def group(self, index: int, bucket: Bucket) -> Iterator[Bar]:
        for place, series in enumerate(self.series):
            if value := series.values[index]:
                yield self.bar(index, place, len(self.series), (0, value), series, bucket)

    def bar(self, index: int, place: int, places: int, span: tuple[int, int], series: Series, bucket: Bucket) -> Bar:
        low, high = span
        width = self.step * (1 - GAP) / places
        height = max(self.y_of(low) - self.y_of(high), FINEST)
        return Bar(
            x=round(self.left + (index + GAP / 2) * self.step + place * width, 1),
            y=round(self.y_of(low) - height, 1),
            width=round(width, 1),
            height=round(height, 1),
            number=series.number,
            title=f"{bucket.label}: {series.label} {self.write(high - low)}",
        )


def rounded_up(value: int) -> int:
    """Return the next number with one or two digits that aren't zero, such as 4, 12, or 150."""
    if value <= 10:
        return max(value, 1)
    unit: int = 10 ** (math.floor(math.log10(value)) - 1)
    return math.ceil(value / unit) * unit
