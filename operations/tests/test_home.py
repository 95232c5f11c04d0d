"""The operator's home page."""

import re

from django.utils import timezone

from emails.models import OutboundEmail
from operations.models import EmailCount, MoneyCount
from operations.rollups.hours import day_of, full_hour

HOME = "/admin/"


def test_all_clear_says_so(root, running):
    assert "All clear." in root.get(HOME).content.decode()


def test_page_fits_the_policy_on_styles_and_scripts(root, running):
    count_some()
    html = root.get(HOME).content.decode()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", html)


def test_pages_are_grouped_by_what_they_are_about(root):
    groups = {group["name"]: [model["object_name"] for model in group["models"]] for group in app_list(root)}
    assert [*groups] == ["People", "Email", "Money", "Settings"]
    assert groups["People"] == ["User"]
    assert groups["Email"][0] == "OutboundEmail"
    assert groups["Money"][0] == "Customer"
    assert groups["Settings"] == ["Group", "Report"]


def test_page_of_one_app_stays_reachable(root):
    assert root.get("/admin/billing/").status_code == 200


def test_brand_is_shown(root, settings):
    settings.BRAND_NAME = "Acme & Sons"
    assert "Acme &amp; Sons" in root.get(HOME).content.decode()


def test_charts_show_states_kinds_and_money(root, running):
    count_some()
    charts = {chart.title: chart for chart in [*figures(root).emails, *figures(root).money]}
    assert [*charts] == [
        "Email by state, last 24 hours",
        "Email by kind, last 24 hours",
        "Email by state, last 30 days",
        "Email by kind, last 30 days",
        "Money in USD, last 24 hours",
        "Money in USD, last 30 days",
    ]
    assert {chart.series[0].label: chart.series[0].total for chart in charts.values()} == {
        "delivered": 6,
        "receipt": 6,
        "paid": 2900,
    }


def test_each_chart_has_a_table_with_the_same_numbers(root, running):
    count_some()
    html = root.get(HOME).content.decode()
    assert html.count("<details>") == html.count('<svg class="chart-drawing"') == 6
    assert "<td>6</td>" in html
    assert "<td>$29.00</td>" in html


def test_chart_is_the_same_in_german(root, running):
    count_some()
    html = root.get(HOME, headers={"accept-language": "de"}).content.decode()
    assert not re.search(r' (x|y|width|height|x1|y1)="\d+,', html)


def test_charts_without_email_say_so(root, running):
    assert root.get(HOME).content.decode().count("Nothing in this time.") == 4


def test_staff_see_only_what_they_may(staff_with, running):
    count_some()
    OutboundEmail.objects.create(recipients="ada@example.com", status="failed", reason="refused", due_at=None)
    html = staff_with("view_payment").get(HOME).content.decode()
    assert "Money in USD" in html
    assert "All clear." in html
    assert "Email by state" not in html
    assert "email was rejected" not in html


def test_page_of_staff_without_permissions_works(staff_with):
    html = staff_with().get(HOME).content.decode()
    assert "You don't have permission to see any page." in html


def count_some() -> None:
    hour = full_hour(timezone.now())
    EmailCount.objects.create(hour=hour, day=day_of(hour), kind="receipt", status="delivered", count=4, deleted=2)
    MoneyCount.objects.create(hour=hour, day=day_of(hour), flow="paid", currency="usd", count=1, amount=2900)


def app_list(client):
    return client.get(HOME).context["app_list"]


def figures(client):
    return client.get(HOME).context["figures"]
