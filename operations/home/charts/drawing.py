"""Places bars in an SVG. All lengths are in the units of its viewBox."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 360, 170
TOP, BOTTOM, RIGHT = 8, 22, 16
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

    # Joined here, because a template would take most of the page's time for these many small parts.

    @property
    def rows(self) -> SafeString:
        """The values in words by bucket, the newest first, as rows of a table."""
        return format_html_join(
            "", '<tr><th scope="row">{}</th>{}</tr>', map(self.row, reversed(range(len(self.buckets))))
        )

    def row(self, index: int) -> tuple[str, SafeString]:
        cells = ((self.write(series.values[index]),) for series in self.series)
        return self.buckets[index].label, format_html_join("", "<td>{}</td>", cells)

    @property
    def columns(self) -> SafeString:
        """What a pointer shows in each column: an invisible area with a title."""
        columns = (
            (f"{self.left + index * self.step:.1f}", f"{self.step:.1f}", bucket.label, self.words(index))
            for index, bucket in enumerate(self.buckets)
        )
        area = f'<rect class="chart-column" x="{{}}" y="{TOP}" width="{{}}" height="{HEIGHT - TOP - BOTTOM}">'
        return format_html_join("", f"{area}<title>{{}}: {{}}</title></rect>", columns)

    def words(self, index: int) -> str:
        """Return what is in one bucket, in words."""
        parts = [f"{series.label} {self.write(series.values[index])}" for series in self.series if series.values[index]]
        return ", ".join(parts) or "nothing"

    @property
    def shapes(self) -> Iterator[tuple[int, str]]:
        """The number of each series, and the SVG path that draws its bars."""
        below = [0] * len(self.buckets)
        for place, series in enumerate(self.series):
            values = ((index, value) for index, value in enumerate(series.values) if value)
            bars = "".join(self.bar(index, place, below[index], value) for index, value in values)
            if self.is_stacked:
                below = [low + value for low, value in zip(below, series.values, strict=True)]
            if bars:
                yield series.number, bars

    def bar(self, index: int, place: int, low: int, value: int) -> str:
        """Return one bar as part of a path. ``place`` is that of its series."""
        places = 1 if self.is_stacked else len(self.series)
        width = self.step * (1 - GAP) / places
        height = max(self.y_of(low) - self.y_of(low + value), FINEST)
        x = self.left + (index + GAP / 2) * self.step + place % places * width
        return f"M{x:.1f} {self.y_of(low):.1f}h{width:.1f}v-{height:.1f}h-{width:.1f}z"

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

    @cached_property
    def step(self) -> float:
        return (self.right - self.left) / len(self.buckets)

    def y_of(self, value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / self.top_value)


def rounded_up(value: int) -> int:
    """Return the next number with one or two digits that aren't zero, such as 4, 12, or 150."""
    if value <= 10:
        return max(value, 1)
    unit: int = 10 ** (math.floor(math.log10(value)) - 1)
    return math.ceil(value / unit) * unit
