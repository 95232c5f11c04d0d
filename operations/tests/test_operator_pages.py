"""The pages for incidents and the dashboard name only what exists."""

import json
import re

import pytest
from django.core.management import get_commands
from django.urls import Resolver404, resolve

from emails.models import Status
from operations.tests.support.scraping import TOKEN
from tests.support.stack import ROOT

DOCS = ROOT / "docs"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboard.json").read_text())
PAGES = ["incidents.md", "alerts.md", "metrics.md"]
METRIC = r"\b(?:celery|cache|email|emails|metrics|rate_limit|stripe|webhook)_\w+"


def anchors(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", (DOCS / page).read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_sections_that_exist(page):
    links = re.findall(r"\]\(([\w.-]*)#([\w-]+)\)", (DOCS / page).read_text())
    assert [(to, anchor) for to, anchor in links if anchor not in anchors(to or page)] == []


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_addresses_exist(page):
    text = (DOCS / page).read_text()
    commands = set(re.findall(r"python manage\.py (\w+)", text))
    assert commands - {*get_commands()} == set()
    assert [path for path in re.findall(r"`(/admin/[\w/]+)`", text) if not is_served(path)] == []


def is_served(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def test_page_for_incidents_explains_every_status():
    text = (DOCS / "incidents.md").read_text()
    table = text[text.index("| the message |") :].partition("\n\n")[0]
    settled_by_staff = {Status.SENDING, Status.CANCELLED}
    assert [status for status in Status if status not in settled_by_staff and status not in table] == []


def test_dashboard_shows_only_metrics_that_exist(client, db, settings):
    settings.METRICS_TOKEN = TOKEN
    page = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).content.decode()
    documented = re.findall(r"^\| `(\w+)` \| histogram", (DOCS / "metrics.md").read_text(), re.MULTILINE)
    histograms = {name + suffix for name in documented for suffix in ("_bucket", "_count", "_sum")}
    exist = set(re.findall(r"^# TYPE (\w+) ", page, re.MULTILINE)) | histograms
    queries = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    assert len(queries) > 25
    assert {name for query in queries for name in re.findall(METRIC, query)} - exist == set()


def test_dashboard_shows_every_metric():
    documented = re.findall(r"^\| `(\w+)` \|", (DOCS / "metrics.md").read_text(), re.MULTILINE)
    assert [name for name in documented if name not in json.dumps(DASHBOARD)] == []


def test_dashboard_has_no_fixed_data_source_and_unique_panels():
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    assert {panel["datasource"]["uid"] for panel in panels} == {"${datasource}"}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert [panel["title"] for panel in panels if not panel["description"]] == []
