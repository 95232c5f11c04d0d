"""The lists of large tables, /readyz, and retention read only the rows that they need, whatever the statistics say."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models.functions import Now
from django.test import RequestFactory

from common import batches, lists
from common.admin import ReadOnlyAdmin
from common.db import database_now
from emails import monitoring, retention
from emails.backends.outbox import row_from
from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail, ProviderState
from emails.models.messages import HAS_BODY_OR_NO_KEY
from emails.tests.support.clock import travel
from emails.tests.support.messages import mail
from emails.tests.support.query_plans import Plan, recorded_plans

pytestmark = pytest.mark.urls("emails.tests.support.urls")

TABLES = ("emails_outboundemail", "emails_deliveryevent", "emails_deliveryattempt")
MODELS = {"outboundemail": OutboundEmail, "deliveryevent": DeliveryEvent, "deliveryattempt": DeliveryAttempt}
ROWS = 1200
READS_ALL = re.compile(r"Seq Scan on (?!emails_providerstate)|SCAN emails_(?!providerstate|.*USING)")


@pytest.fixture
def large_tables(db, outbox, monkeypatch) -> None:
    """Store sent messages with attempts and events, and keep the statistics from before, when all were queued."""
    # More would be a large part of these small tables, which is faster to read as a whole.
    monkeypatch.setattr(lists, "MAX_LISTED", 20)
    monkeypatch.setattr(batches, "BATCH_SIZE", 100)
    monkeypatch.setattr(ReadOnlyAdmin, "list_per_page", 2)
    ProviderState.objects.create(name="resend")
    now, content = database_now(), row_from(mail()).content
    emails = OutboundEmail.objects.bulk_create(
        OutboundEmail(
            recipients=f"person-{number}@example.com" + (" team@example.com" if number % 50 == 0 else ""),
            content=content,
            created_at=now - timedelta(seconds=number),
            idempotency_key=str(number) if number % 2 else None,
        )
        for number in range(ROWS)
    )
    DeliveryAttempt.objects.bulk_create(DeliveryAttempt(created_at=email.created_at) for email in emails)
    DeliveryEvent.objects.bulk_create(
        DeliveryEvent(
            provider="resend",
            fingerprint=str(email.pk),
            email=email,
            type="delivered",
            occurred_at=database_now(),
            raw={},
        )
        for email in emails
    )
    connection.cursor().execute("ANALYZE")
    OutboundEmail.objects.update(status="delivered", provider="resend", due_at=None, settled_at=Now())
    DeliveryAttempt.objects.update(outcome="accepted", settled_at=Now())


def choices(model: str, user: Any) -> Iterator[str]:
    """Yield the query string of every choice that the filters of the list offer."""
    request = RequestFactory().get("/")
    request.user = user
    changes = admin.site._registry[MODELS[model]].get_changelist_instance(request)
    for spec in changes.filter_specs:
        yield from (str(choice["query_string"]) for choice in spec.choices(changes))


def index_for(model: str, query: str) -> str:
    """Return the index that the list should use for a query string with one filter or none."""
    column = query.lstrip("?").partition("=")[0].partition("__")[0]
    name = column.removesuffix("_at") or ("received" if model == "deliveryevent" else "created")
    return {"outboundemail": "outbound", "deliveryevent": "event", "deliveryattempt": "attempt"}[model] + f"_{name}"


@pytest.mark.parametrize("model", MODELS)
def test_every_filter_uses_its_index(admin_client, admin_user, large_tables, model):
    queries = list(choices(model, admin_user))
    assert len(queries) > 10
    for query in queries:
        with recorded_plans((f"emails_{model}",)) as plans:
            assert admin_client.get(f"/admin/emails/{model}/{query}").status_code == 200
        assert plans
        for plan in plans:
            assert index_for(model, query) in plan.steps, (query, str(plan))


def test_readyz_uses_indexes_only(large_tables):
    with recorded_plans() as plans:
        report = monitoring.report()
    assert report.outbox == {"due": 0, "oldest_seconds": None}
    assert not [str(plan) for plan in plans if READS_ALL.search(plan.steps)]


def test_count_of_due_messages_has_a_limit(queue_emails, monkeypatch):
    queue_emails(5)
    assert monitoring.report().outbox["due"] == 5
    monkeypatch.setattr(monitoring, "MAX_COUNTED", 3)
    assert monitoring.report().outbox["due"] == 3


def test_list_counts_no_further_than_it_shows(admin_client, queue_emails, monkeypatch):
    monkeypatch.setattr(lists, "MAX_LISTED", 60)
    queue_emails(62)
    html = admin_client.get("/admin/emails/outboundemail/").content.decode()
    assert "60+ emails" in html
    assert "?p=2" in html
    assert "?p=3" not in html


def test_bulk_action_on_everything_stops_at_what_the_list_shows(admin_client, queue_emails, monkeypatch):
    monkeypatch.setattr(lists, "MAX_LISTED", 2)
    emails = queue_emails(3)
    data = {"action": "cancel", "select_across": "1", "_selected_action": [email.pk for email in emails]}
    admin_client.post("/admin/emails/outboundemail/", data)
    assert OutboundEmail.objects.filter(status="cancelled").count() == 2


@pytest.mark.parametrize("column", range(1, 7))
@pytest.mark.parametrize("sign", ["", "-"])
def test_list_sorts_only_by_what_has_an_index(admin_client, queue_emails, column, sign):
    queue_emails(1)
    queryset = admin_client.get(f"/admin/emails/outboundemail/?o={sign}{column}").context["cl"].queryset
    first, *others = queryset.query.order_by
    assert (first.lstrip("-"), others) in [("created_at", ["-pk"]), ("-pk".lstrip("-"), [])]


def purge_plans() -> list[Plan]:
    with recorded_plans((*TABLES, "emails_attemptedemail", "emails_contactchange")) as plans:
        retention.purge()
    return plans


def test_purge_reads_only_what_it_changes(large_tables):
    travel(timedelta(days=31))
    assert not [str(plan) for plan in purge_plans() if READS_ALL.search(plan.steps)]
    assert (OutboundEmail.objects.count(), DeliveryEvent.objects.count()) == (ROWS / 2, ROWS / 2)
    first = purge_plans()[0]
    assert "outbound_to_purge" in first.steps


def test_purge_of_blanked_rows_finds_nothing_to_read(large_tables):
    travel(timedelta(days=31))
    retention.purge()
    blanked = OutboundEmail.objects.filter(HAS_BODY_OR_NO_KEY, settled_at__isnull=False)
    assert OutboundEmail.objects.count() == ROWS / 2
    assert not blanked.exists()
    assert "outbound_to_purge" in blanked.filter(settled_at__lt=Now()).order_by("settled_at").explain()


@pytest.mark.parametrize("rows", [10, 40])
def test_purge_needs_no_query_per_row(queue_emails, deliver, django_assert_max_num_queries, rows):
    queue_emails(rows)
    queue_emails(rows, kind="receipt")
    deliver()
    travel(timedelta(days=91))
    with django_assert_max_num_queries(70):
        retention.purge()
    assert not OutboundEmail.objects.exists()
