"""The evaluator of alert rules understands its part of PromQL as Prometheus does, and refuses everything else."""

import pytest

from tests.support.promql import Samples, parse


def series(**values):
    """Return samples of ``m{l="name"}`` at every minute, beginning at 0. None: the series was gone."""
    samples = Samples()
    for number in range(max(map(len, values.values()))):
        scraped = {
            ("m", frozenset([("l", name)])): float(found[number])
            for name, found in values.items()
            if number < len(found) and found[number] is not None
        }
        samples.add(number * 60.0, scraped)
    return samples


def evaluate(text, samples, minutes):
    found = parse(text).evaluate(samples, minutes * 60.0)
    return {" ".join(value for _, value in sorted(labels)): value for labels, value in found.items()}


SAMPLES = series(a=[1, 2, 3, 4, 5], b=[10, 10, 10, 10, 10], gone=[7, 7, None, None, None])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m", {"a": 5, "b": 10}),
        ('m{l="a"}', {"a": 5}),
        ('m{l!="a"}', {"b": 10}),
        ('m{l=~"a|c"}', {"a": 5}),
        ('m{l!~"a|c"}', {"b": 10}),
        ("m > 5", {"b": 10}),
        ("5 < m", {"b": 10}),
        ("sum(m)", {"": 15}),
        ("max by (l) (m) == 5", {"a": 5}),
        ("1 - m / 10", {"a": 0.5, "b": 0}),
        ("m / m > 2 or m > 5", {"b": 10}),
        ("m and m > 5", {"b": 10}),
        ("m unless m > 5", {"a": 5}),
        ("m > 1 and m > 2 unless m > 5", {"a": 5}),
        ("increase(m[4m])", {"a": 4, "b": 0, "gone": 0}),
        ("increase(m[2m])", {"a": 2, "b": 0}),
        ("unknown > 0", {}),
        ("m unless unknown", {"a": 5, "b": 10}),
        ("sum(unknown)", {}),
    ],
)
def test_expression_has_the_value_of_prometheus(text, expected):
    assert evaluate(text, SAMPLES, 4) == pytest.approx(expected)


def test_series_that_is_gone_is_not_current_but_part_of_its_range():
    assert "gone" in evaluate("m", SAMPLES, 1)
    assert "gone" not in evaluate("m", SAMPLES, 2)
    assert "gone" in evaluate("increase(m[4m])", SAMPLES, 4)


def test_increase_survives_a_restart_and_extrapolates():
    assert evaluate("increase(m[4m])", series(a=[5, 6, 1, 2, 3]), 4) == pytest.approx({"a": 4})
    # Two samples in an hour: half an interval is added at the beginning, as far as the counter was above zero.
    assert evaluate("increase(m[1h])", series(a=[None, None, 10, 12]), 3) == pytest.approx({"a": 3})


def test_sample_is_not_current_after_five_minutes():
    assert evaluate("m", series(a=[1]), 4) == {"a": 1}
    assert evaluate("m", series(a=[1]), 5) == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m[5m]",
        "rate(m[5m])",
        "increase(m)",
        "absent(m)",
        "m offset 5m",
        "m @ 5",
        "sum without (l) (m)",
        "m > bool 5",
        "sum(m) by (l)",
        "m * on (l) m",
        "m{l='a'}",
        "(m",
        "m m",
        "m %% 2",
        "increase(m[5m:1m])",
        "1 < 2",
    ],
)
def test_unknown_syntax_is_refused(text):
    with pytest.raises((ValueError, AssertionError)):
        parse(text).evaluate(SAMPLES, 240.0)
