"""The emails a day that strangers can have sent to one email address, counted in the database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core import mail
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.client_info import Requester
from accounts.models import EmailQuota, User
from accounts.retention import forget_old_history
from accounts.services.email_quotas import is_over_quota
from accounts.tests.support.users import PASSWORD
from common.windows import process_windows
from emails.models import OutboundEmail

TOTAL, SHARE = 10, 2
ROUTES = {
    "password/reset/": {},
    "email/resend/": {},
    "signup/": {"name": "Mallory", "password": PASSWORD},
}


@pytest.fixture(autouse=True)
def small_quota(settings):
    settings.ACCOUNTS_DAILY_EMAILS_PER_ADDRESS = TOTAL
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}


def send(path: str, email: str, client: str = "198.51.100.1", **headers: Any):
    data = {"email": email, **ROUTES[path]}
    headers = {"HTTP_X_FORWARDED_FOR": client, **headers}
    return Client().post(f"/api/accounts/{path}", data, content_type="application/json", **headers)


def emails_to(address: str) -> int:
    return sum(address in message.to for message in mail.outbox)


def test_one_stranger_gets_a_fifth(ada):
    assert {send("password/reset/", ada.email).status_code for _ in range(5)} == {202}
    assert emails_to(ada.email) == SHARE


def test_all_strangers_together_get_the_quota(ada):
    for number in range(20):
        send("password/reset/", ada.email, f"198.51.100.{number}")
    assert emails_to(ada.email) == TOTAL


def test_all_routes_count_together(unconfirmed_user):
    for number in range(5):
        for path in ROUTES:
            send(path, unconfirmed_user.email, f"198.51.100.{number}")
    assert emails_to(unconfirmed_user.email) <= TOTAL


def test_spellings_of_an_address_count_together(ada):
    for spelling in ("ada@example.com", "ADA@example.com", " Ada@Example.com"):
        send("password/reset/", spelling)
    assert emails_to(ada.email) == SHARE


def test_network_counts_as_one_stranger(ada):
    for number in range(5):
        send("password/reset/", ada.email, f"2001:db8::{number}")
    assert emails_to(ada.email) == SHARE


def test_owners_device_has_a_share_of_its_own(ada, call_api):
    device = call_api("POST", "login/", {"email": ada.email, "password": PASSWORD})["Known-Device"]
    for number in range(20):
        send("password/reset/", ada.email, f"198.51.100.{number}")
    for _ in range(5):
        send("password/reset/", ada.email, HTTP_KNOWN_DEVICE=device)
    assert emails_to(ada.email) == TOTAL + SHARE


def test_changes_to_someone_elses_address_count(call_api, ada_token):
    data = {"email": "stranger@example.com", "password": PASSWORD}
    assert {call_api("POST", "email/change/", data, token=ada_token).status_code for _ in range(5)} == {202}
    assert emails_to("stranger@example.com") == SHARE


def test_new_account_over_the_quota_gets_no_email_now(db, settings, outbox_backend):
    for number in range(5):
        for _ in range(SHARE):
            is_over_quota("new@example.com", Requester(f"client:{number}"))
    response = send("signup/", "new@example.com", "192.0.2.1")
    assert response.status_code == 201
    assert User.objects.filter(email="new@example.com").exists()
    [email] = OutboundEmail.objects.all()
    assert email.expires_at is not None
    assert email.expires_at <= timezone.now()


@pytest.fixture
def outbox_backend(settings):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"


@pytest.mark.parametrize("path", ROUTES)
def test_response_and_work_do_not_depend_on_the_account(path, ada, unconfirmed_user, outbox_backend):
    work: dict[Any, set[Any]] = {}
    for kind, email in {"known": "ada@example.com", "new": "new@example.com", "unknown": "no@example.com"}.items():
        for number in range(2 * SHARE):
            with CaptureQueriesContext(connection) as queries:
                response = send(path, email if path != "signup/" or kind != "unknown" else f"{number}@example.com")
            body = response.content.replace(email.encode(), b"").replace(f"{number}@example.com".encode(), b"")
            work.setdefault(number if path != "signup/" else 0, set()).add((response.status_code, body))
            if path != "signup/":
                work.setdefault(("statements", number), set()).add(len(queries))
    assert {key: values for key, values in work.items() if len(values) > 1} == {}


def test_quota_ends_after_a_day(ada):
    for _ in range(SHARE + 1):
        send("password/reset/", ada.email)
    quota = EmailQuota.objects.get()
    day = timedelta(days=1).total_seconds()
    quota.requests = [[at - day, who] for at, who in quota.requests]
    quota.save()
    send("password/reset/", ada.email)
    assert emails_to(ada.email) == SHARE + 1


def test_losing_all_other_counts_sends_no_more(ada):
    for _ in range(5):
        send("password/reset/", ada.email)
        process_windows.clear()
    assert emails_to(ada.email) == SHARE


def test_stored_quota_contains_no_address(ada):
    send("password/reset/", ada.email)
    stored = str(EmailQuota.objects.values().get())
    assert "ada" not in stored
    assert "198.51" not in stored


def test_old_quotas_are_purged(ada):
    send("password/reset/", ada.email)
    forget_old_history()
    assert EmailQuota.objects.count() == 1
    EmailQuota.objects.update(updated_at=timezone.now() - timedelta(days=1, minutes=1))
    forget_old_history()
    assert EmailQuota.objects.count() == 0


def test_erasure_covers_the_quota(call_api, ada, ada_token, django_capture_on_commit_callbacks):
    send("password/reset/", ada.email)
    with django_capture_on_commit_callbacks(execute=True):
        assert call_api("DELETE", "me/", {"password": PASSWORD}, token=ada_token).status_code == 204
    assert EmailQuota.objects.count() == 0


def test_failed_request_uses_up_nothing(ada):
    send("password/reset/", "not an address")
    assert EmailQuota.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_twenty_parallel_requests_send_no_more_than_allowed(settings, mailoutbox):
    if connection.vendor == "sqlite":
        pytest.skip("needs PostgreSQL in DATABASE_URL: SQLite's in-memory test database can't wait for a lock")
    User.objects.create_user("ada@example.com", PASSWORD, email_verified_at=timezone.now())
    mail.outbox.clear()
    send_in_parallel(["198.51.100.1"] * 20)
    assert emails_to("ada@example.com") == SHARE
    send_in_parallel([f"192.0.2.{number}" for number in range(20)])
    assert emails_to("ada@example.com") == TOTAL


def send_in_parallel(clients: list[str]) -> None:
    def request(client: str) -> None:
        barrier.wait()
        send("password/reset/", "ada@example.com", client)
        connections.close_all()

    barrier = Barrier(len(clients))
    with ThreadPoolExecutor(len(clients)) as pool:
        assert len([*pool.map(request, clients)]) == len(clients)
