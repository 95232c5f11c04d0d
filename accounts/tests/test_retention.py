"""Login history is kept for 90 days, or for as long as the login is active."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from knox.models import AuthToken

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
