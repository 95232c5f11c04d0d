"""The admin's page "Installation": what a worker found, shown without a wait and without secrets."""

import json
import socket
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import User
from common.findings import Level
from operations.doctor import comparison, reports, tasks
from operations.models import Report

pytestmark = pytest.mark.django_db

PAGE = "/admin/operations/report/"


@pytest.fixture
def staff(db) -> User:
    return User.objects.create_user("staff@example.com", is_staff=True, email_verified_at=timezone.now())


@pytest.fixture
def staff_client(staff) -> Client:
    staff.user_permissions.set(Permission.objects.filter(content_type__app_label="operations"))
    client = Client()
    client.force_login(staff)
    return client


def found(level: Level, number: int = 1) -> dict[str, str]:
    return {
        "check": f"site.{number}",
        "level": level,
        "subject": f"S{number}",
        "problem": "It fails.",
        "fix": "Mend it.",
    }


def store(*findings, **fields) -> None:
    defaults = {"process": "worker-1", "checked_at": timezone.now(), "findings": [*findings]}
    Report.objects.create(pk=reports.ONLY, **defaults | fields)


def latest() -> reports.LatestReport:
    report = reports.latest()
    assert report is not None
    return report


def test_there_is_no_report_at_first(staff_client):
    assert reports.latest() is None
    assert "There is no report yet" in staff_client.get(PAGE).content.decode()


def test_worker_stores_its_findings_worst_first(settings):
    settings.IS_PRODUCTION, settings.EMAIL_PROVIDER = True, "console"
    tasks.examine_installation()
    tasks.examine_installation()
    report = latest()
    assert Report.objects.count() == 1
    assert report.process.startswith(socket.gethostname())
    assert report.findings[0].level == Level.ERROR
    assert report.findings[-1].level == Level.OK
    assert "email.provider" in {finding.check for finding in report.findings if finding.level == Level.ERROR}
    assert report.different == []


def test_report_holds_no_secret(settings):
    settings.STRIPE_SECRET_KEY = "pk_live_51Hq8sTn4Lm9XwVr7"
    settings.METRICS_TOKEN = "abababababababababababababababab"
    settings.IS_PRODUCTION = True
    tasks.examine_installation()
    stored = json.dumps(Report.objects.values("findings", "fingerprints", "process").get())
    for secret in (settings.STRIPE_SECRET_KEY, settings.METRICS_TOKEN, settings.SECRET_KEY):
        assert secret not in stored


def test_page_lists_problems_with_their_fixes(staff_client, django_assert_max_num_queries):
    store(found(Level.ERROR, 1), found(Level.WARNING, 2), found(Level.OK, 3))
    with django_assert_max_num_queries(7):
        page = staff_client.get(PAGE).content.decode()
    assert "It fails. Mend it." in page
    assert "worker-1" in page
    assert "One check without a problem" in page
    assert "This report is old" not in page


def test_page_names_an_old_report(staff_client):
    store(checked_at=timezone.now() - timedelta(hours=1))
    assert "This report is old" in staff_client.get(PAGE).content.decode()


def test_findings_of_another_version_are_no_error(staff_client):
    store({"check": "site.x", "level": "unknown", "new": 1}, found(Level.ERROR))
    assert staff_client.get(PAGE).status_code == 200


def test_page_names_variables_that_differ_from_the_workers(staff_client):
    store(fingerprints={**comparison.fingerprints(), "RESEND_API_KEY": "0123456789abcdef"})
    assert "RESEND_API_KEY" in staff_client.get(PAGE).content.decode()
    Report.objects.update(fingerprints={**comparison.fingerprints(), comparison.KEY_CHECK: "0" * 16, "X": "1"})
    assert latest().different == ["SECRET_KEY"], "then all hashes differ, and only this says something"


def test_check_is_only_queued(staff_client, monkeypatch):
    published = []
    monkeypatch.setattr(tasks, "publish", lambda: published.append(1))
    cache.clear()
    for _ in range(2):
        assert staff_client.post(f"{PAGE}check/").status_code == 302
    assert published == [1]
    assert not Report.objects.exists()


def test_broker_that_is_down_does_not_fail_the_request(staff_client, settings):
    cache.clear()
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    assert staff_client.post(f"{PAGE}check/", follow=True).status_code == 200


@pytest.mark.parametrize(("permissions", "page", "check"), [([], 403, 403), (["view_report"], 200, 403)])
def test_page_and_button_need_permissions(staff, permissions, page, check):
    store(found(Level.ERROR))
    staff.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(staff)
    response = client.get(PAGE)
    assert response.status_code == page
    assert "Check again" not in response.content.decode()
    assert client.post(f"{PAGE}check/").status_code == check
    assert client.get(f"{PAGE}check/").status_code == 405


def test_there_are_no_pages_for_rows(staff_client):
    store()
    for path in ("1/change/", "1/delete/", "add/"):
        assert staff_client.get(PAGE + path).status_code == 404
