"""All charts that the person may see."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from billing.models import Payment
from emails.models import OutboundEmail
from operations.home.charts import emails, money
from operations.home.charts.drawing import Chart
from operations.home.charts.periods import last_days, last_hours
from operations.home.viewer import Viewer
from operations.models import CountedHour


@dataclass(frozen=True, slots=True)
class Figures:
    """The charts of email and of money, each for hours and then for days. ``counted_at``: None if never."""

    emails: list[Chart]
    money: list[Chart]
    currencies_left_out: list[str]
    counted_at: datetime | None
    shows_emails: bool
    shows_money: bool


def figures(now: datetime, viewer: Viewer) -> Figures:
    periods = {"hours": last_hours(now), "days": last_days(now)}
    shows_emails, shows_money = viewer.may_view(OutboundEmail), viewer.may_view(Payment)
    amounts = {name: money.counted(period) for name, period in periods.items()} if shows_money else {}
    currencies = money.most_important(amounts.get("days", {}))
    return Figures(
        emails=[
            chart
            for name, period in periods.items()
            if shows_emails
            for chart in (emails.by_state(period, f"states-{name}"), emails.by_kind(period, f"kinds-{name}"))
        ],
        money=[
            chart
            for name in amounts
            for chart in money.by_flow(amounts[name], currencies, periods[name], f"money-{name}")
        ],
        currencies_left_out=money.others(amounts.get("days", {}), currencies),
        counted_at=CountedHour.objects.aggregate(at=Max("counted_at"))["at"],
        shows_emails=shows_emails,
        shows_money=shows_money,
    )
