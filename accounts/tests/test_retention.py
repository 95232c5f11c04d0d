"""Login history is kept for 90 days, or for as long as the login is active."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from knox.models import AuthToken

from accounts import retention
from accounts.models import EmailChange, Login
from accounts.tasks import forget_old_history
from accounts.tests.support.users import is_logged_in, log_in

OLD = timezone.now() - timedelta(days=91)


@pytest.fixture
def browser(client, ada):
    client.force_login(ada)
    return client


def test_ended_logins_are_deleted_after_90_days(call_api, ada_token, browser, ada):
    EmailChange.objects.create(user=ada, old_address="a@x.example", new_address="b@x.example", at=OLD)
    Login.objects.update(at=OLD)
    call_api("POST", "logout-all/", token=ada_token)
    call_api("POST", "logout/", token=log_in(call_api))
    forget_old_history()
    assert (Login.objects.count(), EmailChange.objects.count()) == (1, 0)


def test_active_logins_are_kept_whatever_their_age(call_api, ada_token, browser):
    Login.objects.update(at=OLD)
    forget_old_history()
    assert (Login.objects.count(), call_api("GET", "me/", token=ada_token).status_code) == (2, 200)
    assert is_logged_in(browser)


def test_expired_tokens_and_sessions_are_deleted(ada_token, browser):
    AuthToken.objects.update(expiry=OLD)
    Session.objects.update(expire_date=OLD)
    forget_old_history()
    assert AuthToken.objects.count() == 0
    assert Session.objects.count() == 0
    assert Login.objects.count() == 2
    Login.objects.update(at=OLD)
    forget_old_history()
    assert not Login.objects.exists()


@pytest.mark.parametrize("count", [3, 30])
def test_cleanup_needs_no_query_per_row(ada, browser, call_api, ada_token, count, django_assert_max_num_queries):
    Login.objects.update(at=OLD)
    active = Login.objects.count()
    Login.objects.bulk_create(Login(user=ada, at=OLD, session_key=f"ended{number}") for number in range(count))
    Session.objects.bulk_create(Session(session_key=f"old{number}", expire_date=OLD) for number in range(count))
    with django_assert_max_num_queries(45):
        forget_old_history()
    assert (Login.objects.count(), Session.objects.count()) == (active, 1)


def test_logins_of_many_batches_at_the_same_time_are_all_considered(ada, browser, monkeypatch):
    monkeypatch.setattr(retention, "BATCH_SIZE", 2)
    active = browser.session.session_key
    Login.objects.bulk_create(
        Login(user=ada, at=OLD, session_key=active if number % 3 == 0 else f"ended{number}") for number in range(10)
    )
    Login.objects.filter(session_key=active).update(at=OLD)
    forget_old_history()
    assert {*Login.objects.values_list("session_key", flat=True)} == {active}
    assert Login.objects.count() == 5


@pytest.mark.parametrize("engine", ["cache", "cached_db", "file"])
def test_sessions_of_every_engine_keep_their_login(ada, client, settings, engine, tmp_path):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    client.force_login(ada)
    Login.objects.create(user=ada, session_key="ended", at=OLD)
    Login.objects.update(at=OLD)
    forget_old_history()
    assert Login.objects.get().session_key == client.session.session_key
