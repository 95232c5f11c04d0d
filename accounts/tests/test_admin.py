"""The admin of users."""

import pytest
from django.urls import reverse

from accounts.models import User
from accounts.tests.support.users import PASSWORD

LIST = reverse("admin:accounts_user_changelist")
ADD = reverse("admin:accounts_user_add")
NEW_USER = {
    "email": "New@Example.com",
    "name": "New",
    "usable_password": "true",
    "password1": PASSWORD,
    "password2": PASSWORD,
}


@pytest.fixture
def staff_client(client, db, mailoutbox):
    root = User.objects.create_superuser("root@example.com", PASSWORD, name="Root")
    mailoutbox.clear()
    client.force_login(root)
    return client


def test_user_created_in_admin_gets_welcome(staff_client, mailoutbox):
    assert staff_client.post(ADD, NEW_USER).status_code == 302
    assert User.objects.get(email="new@example.com").check_password(PASSWORD)
    assert [(message.kind, message.to) for message in mailoutbox] == [("welcome", ["new@example.com"])]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "ROOT@example.com"}, "email"),
        ({"email": "x"}, "email"),
        ({"password2": "other"}, "password2"),
        ({"name": "evil.example"}, "name"),
    ],
)
def test_invalid_input_is_shown_beside_its_field(staff_client, mailoutbox, change, field):
    response = staff_client.post(ADD, {**NEW_USER, **change})
    assert list(response.context["adminform"].form.errors) == [field]
    assert (User.objects.count(), mailoutbox) == (1, [])


@pytest.mark.parametrize(("query", "found"), [("ADA@exam", 1), ("Ada", 1), ("nobody", 0)])
def test_search_finds_users_by_address_and_name(staff_client, ada, query, found):
    assert len(staff_client.get(LIST, {"q": query}).context["cl"].result_list) == found


def test_filters_and_pages_work(staff_client, ada, unconfirmed_user):
    response = staff_client.get(LIST, {"email_verified_at__isempty": "1"})
    assert [user.email for user in response.context["cl"].result_list] == ["new@example.com"]
    for url in (
        ADD,
        reverse("admin:accounts_user_change", args=[ada.pk]),
        reverse("admin:auth_user_password_change", args=[ada.pk]),
    ):
        assert staff_client.get(url).status_code == 200


def test_changing_a_name_sends_nothing(staff_client, ada, mailoutbox):
    url = reverse("admin:accounts_user_change", args=[ada.pk])
    data = {"email": "ADA@example.com", "name": "Countess", "language": "en", "is_active": "on"}
    assert staff_client.post(url, data).status_code == 302
    ada.refresh_from_db()
    assert (ada.name, ada.email, mailoutbox) == ("Countess", "ada@example.com", [])


def test_admin_login_ignores_case(client, db):
    User.objects.create_superuser("root@example.com", PASSWORD)
    response = client.post(reverse("admin:login"), {"username": "ROOT@example.com", "password": PASSWORD, "next": LIST})
    assert (response.status_code, response["Location"]) == (302, LIST)
