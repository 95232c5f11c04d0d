"""Sessions of staff end after a while without a request, and some hours after the login in any case."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import Login, User
from accounts.staff_sessions import BEGAN, SEEN
from accounts.tests.support.browser import log_in, text_of
from accounts.tests.support.users import PASSWORD

ADMIN = "/admin/"
MINUTE = 60
HOUR = 60 * MINUTE


@pytest.fixture
def staff(db) -> User:
    return User.objects.create_user("staff@example.com", PASSWORD, is_staff=True, email_verified_at=timezone.now())


@pytest.fixture(params=["/login", "/admin/login/"])
def staff_client(request, client: Client, staff) -> Client:
    """A browser in which a staff member has just logged in, on the site or in the admin."""
    client.post(request.param, {"email": staff.email, "username": staff.email, "password": PASSWORD})
    assert client.get(ADMIN).status_code == 200
    return client


def grow_older(client: Client, seconds: int, *keys: str) -> None:
    session = client.session
    session.update({key: session[key] - seconds for key in keys})
    session.save()


@pytest.mark.parametrize("path", [ADMIN, "/dashboard", "/settings/password"])
def test_idle_session_ends_for_admin_and_pages(staff_client, path):
    grow_older(staff_client, 31 * MINUTE, SEEN)
    assert staff_client.get(path).status_code == 302
    assert not Session.objects.exists()
    assert Login.objects.get().session_key == ""
    assert staff_client.get(ADMIN).status_code == 302


@pytest.mark.parametrize("path", ["/login", "/admin/login/"])
@pytest.mark.parametrize(("language", "words"), [("en", "staff are logged out"), ("de", "abgemeldet")])
def test_login_page_says_why(staff_client, staff, path, language, words):
    User.objects.filter(pk=staff.pk).update(language=language)
    grow_older(staff_client, 31 * MINUTE, SEEN)
    staff_client.get(ADMIN)
    assert words in text_of(staff_client.get(path))


def test_session_in_use_lasts_but_not_forever(staff_client):
    for _ in range(3):
        grow_older(staff_client, 25 * MINUTE, SEEN)
        assert staff_client.get(ADMIN).status_code == 200
    grow_older(staff_client, 13 * HOUR, BEGAN)
    assert staff_client.get(ADMIN).status_code == 302


def test_post_in_an_idle_session_changes_nothing(staff_client, staff, ada):
    User.objects.filter(pk=staff.pk).update(is_superuser=True)
    grow_older(staff_client, 31 * MINUTE, SEEN)
    staff_client.post(f"/admin/accounts/user/{ada.pk}/delete/", {"post": "yes"})
    assert User.objects.filter(pk=ada.pk).exists()


def test_requests_store_the_session_once_a_minute(staff_client):
    seen = staff_client.session[SEEN]
    staff_client.get(ADMIN)
    assert staff_client.session[SEEN] == seen
    grow_older(staff_client, 2 * MINUTE, SEEN)
    staff_client.get(ADMIN)
    assert staff_client.session[SEEN] >= seen


def test_lifetimes_can_be_set(staff_client, settings):
    settings.STAFF_SESSION_IDLE_MINUTES = 10**30
    grow_older(staff_client, 31 * MINUTE, SEEN)
    assert staff_client.get(ADMIN).status_code == 200
    settings.STAFF_SESSION_HOURS = 1
    grow_older(staff_client, 2 * HOUR, BEGAN)
    assert staff_client.get(ADMIN).status_code == 302


def test_other_people_stay_logged_in(client, ada):
    log_in(client)
    grow_older(client, 13 * HOUR, BEGAN, SEEN)
    assert client.get("/dashboard").status_code == 200


def test_old_session_of_new_staff_ends(client, ada):
    log_in(client)
    grow_older(client, 13 * HOUR, BEGAN)
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    assert client.get("/dashboard").status_code == 302


def test_session_without_times_begins_now(client, staff):
    log_in(client, staff.email)
    session = client.session
    del session[BEGAN], session[SEEN]
    session.save()
    assert client.get(ADMIN).status_code == 200
    assert BEGAN in client.session


def test_second_login_begins_again(staff_client, staff):
    grow_older(staff_client, 11 * HOUR, BEGAN)
    staff_client.post("/admin/login/", {"username": staff.email, "password": PASSWORD})
    grow_older(staff_client, 2 * HOUR, BEGAN)
    assert staff_client.get(ADMIN).status_code == 200
