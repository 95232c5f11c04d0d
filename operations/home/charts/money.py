"""The charts of money, one for each currency."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import partial

from django.db.models import Sum

from common.money import format_amount
from operations.home.charts.drawing import Chart, Series
from operations.home.charts.periods import Period, Time
from operations.models import MoneyCount

MAX_CURRENCIES = 3  # by the amount that was paid
NUMBERS = {MoneyCount.Flow.PAID: 1, MoneyCount.Flow.REFUNDED: 3, MoneyCount.Flow.FAILED: 5}  # colors and patterns
LABELS = {
    MoneyCount.Flow.PAID: "paid",
    MoneyCount.Flow.REFUNDED: "refunded",
    MoneyCount.Flow.FAILED: "failed, still unpaid",
}

Amounts = dict[str, dict[str, list[tuple[Time, int]]]]  # by currency and flow


def counted(period: Period) -> Amounts:
    rows = MoneyCount.objects.filter(**{f"{period.column}__gte": period.start})
    by_time = rows.values_list("currency", "flow", period.column).annotate(total=Sum("amount"))
    amounts: Amounts = defaultdict(lambda: defaultdict(list))
    for currency, flow, time, amount in by_time.order_by():
        amounts[currency][flow].append((time, amount))
    return amounts


def by_flow(amounts: Amounts, currencies: Sequence[str], period: Period, name: str) -> Iterator[Chart]:
    """Yield a chart for each of the most important currencies. Amounts in different ones can't be added up."""
    for currency in currencies:
        series = [
            Series(number, LABELS[flow], period.spread(amounts.get(currency, {}).get(flow, ())))
            for flow, number in NUMBERS.items()
        ]
        title = f"Money in {currency.upper()}, {period.title.lower()}"
        write = partial(format_in, currency=currency)
        yield Chart(f"{name}-{currency}", title, period.buckets, series, write, is_stacked=False)


def format_in(amount: int, *, currency: str) -> str:
    return format_amount(amount, currency)


def most_important(amounts: Amounts) -> list[str]:
    totals: Counter[str] = Counter()
    for currency, flows in amounts.items():
        totals[currency] = sum(amount for pairs in flows.values() for _, amount in pairs)
    return [currency for currency, _ in totals.most_common(MAX_CURRENCIES)]


def others(amounts: Amounts, currencies: Sequence[str]) -> list[str]:
    """Return the currencies without a chart."""
    return sorted(code.upper() for code in amounts.keys() - {*currencies})
