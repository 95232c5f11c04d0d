"""Staff with permissions can't use them to gain more: not for themselves, and not through somebody else's account."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import Client
from knox.models import AuthToken
from rest_framework.settings import api_settings

from accounts.admin.users import UserAdmin
from accounts.models import EmailChange, User
from accounts.tests.support.users import NEW_PASSWORD, PASSWORD, is_logged_in, log_in
from emails.models import OutboundEmail

USERS = "/admin/accounts/user/"
VERIFIED = {"email_verified_at": "2026-01-01T00:00Z"}
RIGHTS = {"is_staff": "on", "is_superuser": "on", "groups": "1", "user_permissions": "1"}
REGISTERED = {
    "accounts.User",
    "auth.Group",
    "billing.CleanupRequest",
    "billing.Customer",
    "billing.Dispute",
    "billing.Drift",
    "billing.EarlyFraudWarning",
    "billing.Payment",
    "billing.StripeEvent",
    "billing.Subscription",
    "billing.SubscriptionChange",
    "emails.ContactChange",
    "emails.DeliveryAttempt",
    "emails.DeliveryEvent",
    "emails.OutboundEmail",
    "emails.ProviderState",
    "emails.Suppression",
    "operations.Report",
}


@pytest.fixture
def support(db) -> User:
    """A staff member who may do everything with users and groups."""
    user = User.objects.create_user("support@example.com", PASSWORD, is_staff=True, **VERIFIED)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label__in=["accounts", "auth", "knox"]))
    return user


@pytest.fixture
def support_client(support, mailoutbox) -> Client:
    client = Client()
    client.force_login(support)
    mailoutbox.clear()
    return client


@pytest.fixture
def root_client(db, mailoutbox) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    mailoutbox.clear()
    return client


@pytest.fixture(params=["superuser", "staff", "former staff", "member", "self"])
def privileged(request, support: User, mailoutbox) -> User:
    """Somebody who may do more than others."""
    if request.param == "self":
        return support
    user = User.objects.create_user("boss@example.com", PASSWORD, name="Boss", **VERIFIED)
    user.is_superuser, user.is_staff = request.param == "superuser", request.param == "staff"
    user.save()
    if request.param == "former staff":
        user.user_permissions.set(Permission.objects.all()[:1])
    if request.param == "member":
        user.groups.add(Group.objects.create(name="Bosses"))
    mailoutbox.clear()
    return user


def row(user: User) -> Any:
    return User.objects.filter(pk=user.pk).values().first()


def test_admin_offers_these_models_only():
    # A package may have registered another one. If staff need it, see what its permissions would give them.
    assert {model._meta.label for model in admin.site._registry} == REGISTERED


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("{}/change/", {"email": "support+boss@example.com", "name": "Boss", "language": "en", "is_active": "on"}),
        ("{}/change/", {"email": "boss@example.com", "name": "Boss", "language": "en", **RIGHTS}),
        ("{}/delete/", {"post": "yes"}),
        ("{}/operate/send_reset_link/", {}),
        ("{}/operate/verify_address/", {}),
        ("{}/operate/log_out_everywhere/", {}),
        ("", {"action": "send_reset_link", "_selected_action": "{}"}),
        ("", {"action": "verify_address", "_selected_action": "{}"}),
        ("", {"action": "send_reset_link", "_selected_action": "{}", "select_across": "1", "index": "0"}),
        ("", {"action": "delete_selected", "_selected_action": "{}", "post": "yes"}),
    ],
)
def test_privileged_account_is_out_of_reach(support_client, privileged, mailoutbox, path, data):
    before = row(privileged)
    data = {name: value.format(privileged.pk) for name, value in data.items()}
    assert support_client.post(USERS + path.format(privileged.pk), data).status_code == 403
    assert (row(privileged), mailoutbox) == (before, [])
    assert support_client.get(f"{USERS}{privileged.pk}/change/").status_code == 200, "staff may look"


def test_password_of_privileged_account_is_out_of_reach(support_client, privileged):
    data = {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    support_client.post(f"{USERS}{privileged.pk}/password/", data)
    assert User.objects.get(pk=privileged.pk).check_password(PASSWORD)


@pytest.mark.parametrize("query", ["", "?_popup=1&_to_field=id"])
def test_tampered_fields_change_no_rights(support_client, ada, query):
    Group.objects.create(pk=1, name="Bosses")
    change = {"email": ada.email, "name": "Countess", "language": "en", "is_active": "on", **RIGHTS}
    assert support_client.post(f"{USERS}{ada.pk}/change/{query}", change).status_code in {200, 302}
    new = {"email": "n@example.com", "usable_password": "false", **RIGHTS}
    assert support_client.post(f"{USERS}add/{query}", new).status_code in {200, 302}
    assert User.objects.get(pk=ada.pk).name == "Countess"
    for user in (ada, User.objects.get(email="n@example.com")):
        user.refresh_from_db()
        assert not user.is_privileged


def test_groups_are_changed_by_superusers_only(support_client, root_client, support):
    group = Group.objects.create(name="Support")
    support.groups.add(group)
    data = {"name": "Support", "permissions": [permission.pk for permission in Permission.objects.all()]}
    for path in ("add/", f"{group.pk}/change/", f"{group.pk}/delete/"):
        assert support_client.post(f"/admin/auth/group/{path}", {**data, "post": "yes"}).status_code == 403
    assert not group.permissions.exists()
    assert support_client.get("/admin/auth/group/").status_code == 200
    assert root_client.post(f"/admin/auth/group/{group.pk}/change/", data).status_code == 302
    assert group.permissions.exists()


def test_api_tokens_have_no_admin(root_client, support_client, support):
    for client in (root_client, support_client):
        assert client.post("/admin/knox/authtoken/add/", {"user": support.pk}).status_code == 404
    assert not AuthToken.objects.exists()


def test_superusers_still_change_everything(root_client, support):
    data = {"email": "new@example.com", "name": "S", "language": "de", "is_active": "on", "is_staff": "on"}
    assert root_client.post(f"{USERS}{support.pk}/change/", {**data, "is_superuser": "on"}).status_code == 302
    support.refresh_from_db()
    assert (support.email, support.is_superuser, support.language) == ("new@example.com", True, "de")


@pytest.mark.parametrize("column", ["content", "content__contains", "content__text__startswith", "metadata__user_id"])
def test_lists_take_no_lookup_that_reveals_a_live_link(support_client, support, column):
    support.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    OutboundEmail.objects.create(recipients="boss@example.com", content={"text": "?token=secret"}, sensitive=True)
    for path in ("emails/outboundemail", "emails/deliveryevent", "billing/stripeevent", "accounts/user"):
        assert support_client.get(f"/admin/{path}/", {column: "?token=s"}).status_code == 400
    for lookup in ({"body__contains": "x"}, {"emails__content__contains": "x"}, {"outcome__regex": "x"}):
        assert support_client.get("/admin/emails/deliveryattempt/", lookup).status_code == 400


@pytest.mark.parametrize("who", ["support_client", "root_client"])
def test_change_of_address_is_recorded_and_can_be_undone(request, who, ada, call_api, mailoutbox):
    client = request.getfixturevalue(who)
    token, browser = log_in(call_api), Client()
    browser.force_login(ada)
    data = {"email": "Countess@Example.com", "name": "Ada", "language": "en", "is_active": "on"}
    assert client.post(f"{USERS}{ada.pk}/change/", data).status_code == 302
    ada.refresh_from_db()
    assert (ada.email, ada.is_email_verified) == ("countess@example.com", True)
    assert [str(change) for change in EmailChange.objects.all()] == ["ada@example.com → countess@example.com"]
    assert [(email.kind, email.to) for email in mailoutbox] == [("email_changed_notice", ["ada@example.com"])]
    assert not is_logged_in(browser)
    assert call_api("GET", "me/", token=token).status_code == 401
    undo = mailoutbox[0].body.partition("undo-email-change?token=")[2].split()[0]
    assert call_api("POST", "email/change/undo/", {"token": undo}).status_code in {200, 204}
    assert User.objects.get(pk=ada.pk).email == "ada@example.com"


def test_unconfirmed_address_changed_by_staff_gets_a_new_link(support_client, unconfirmed_user, mailoutbox):
    data = {"email": "right@example.com", "name": "New", "language": "en", "is_active": "on"}
    support_client.post(f"{USERS}{unconfirmed_user.pk}/change/", data)
    assert [(email.kind, email.to) for email in mailoutbox] == [("welcome", ["right@example.com"])]
    assert not User.objects.get(pk=unconfirmed_user.pk).is_email_verified


def test_own_address_is_changed_in_the_settings(root_client):
    root = User.objects.get(email="root@example.com")
    data = {"email": "x@example.com", "name": "Root", "language": "en", "is_active": "on"}
    root_client.post(f"{USERS}{root.pk}/change/", {**data, "is_staff": "on", "is_superuser": "on"})
    assert (row(root)["email"], row(root)["name"]) == ("root@example.com", "Root")


def test_saving_a_user_writes_only_what_was_changed(support_client, ada, monkeypatch):
    save = UserAdmin.save_model

    def save_late(self, request, obj, form, change):
        User.objects.filter(pk=obj.pk).update(password="changed meanwhile", is_superuser=False)
        save(self, request, obj, form, change)

    monkeypatch.setattr(UserAdmin, "save_model", save_late)
    support_client.post(f"{USERS}{ada.pk}/change/", {"email": ada.email, "name": "B", "language": "en"})
    ada.refresh_from_db()
    assert (ada.name, ada.password, ada.is_active) == ("B", "changed meanwhile", False)


def test_address_taken_in_the_meantime_is_reported(support_client, ada, monkeypatch):
    monkeypatch.setattr("accounts.admin.forms.ChangeForm.validate_unique", lambda self: None)
    User.objects.create_user("taken@example.com")
    data = {"email": "taken@example.com", "name": "Countess", "language": "en", "is_active": "on"}
    response = support_client.post(f"{USERS}{ada.pk}/change/", data, follow=True)
    assert "Another account now uses this email address" in response.content.decode()
    assert (row(ada)["email"], row(ada)["name"]) == ("ada@example.com", "Ada")


def test_language_must_be_one_of_the_site(support_client, ada):
    support_client.post(f"{USERS}{ada.pk}/change/", {"email": ada.email, "name": "Ada", "language": "../x"})
    assert row(ada)["language"] == "en"


@pytest.mark.parametrize("bulk", [True, False])
def test_staff_send_no_more_links_than_anyone_else(support_client, ada, mailoutbox, monkeypatch, bulk):
    set_rate(monkeypatch, password_reset="3/hour")
    for _ in range(5):
        if bulk:
            support_client.post(USERS, {"action": "send_reset_link", "_selected_action": ada.pk})
        else:
            support_client.post(f"{USERS}{ada.pk}/operate/send_reset_link/")
    assert len(mailoutbox) == 3
    assert "Too many of these emails" in support_client.get(f"{USERS}{ada.pk}/change/").content.decode()


def test_staff_change_and_add_no_more_addresses_than_anyone_else(support_client, ada, monkeypatch):
    set_rate(monkeypatch, password_reset="3/hour", signup="3/hour")
    for number in range(5):
        data = {"email": f"ada{number}@example.com", "name": "Ada", "language": "en", "is_active": "on"}
        support_client.post(f"{USERS}{ada.pk}/change/", data)
        support_client.post(f"{USERS}add/", {"email": f"new{number}@example.com", "usable_password": "false"})
    assert row(ada)["email"] == "ada2@example.com"
    assert User.objects.filter(email__startswith="new").count() == 3


def set_rate(monkeypatch, **rates: str) -> None:
    monkeypatch.setattr(api_settings, "DEFAULT_THROTTLE_RATES", {**api_settings.DEFAULT_THROTTLE_RATES, **rates})


@pytest.mark.parametrize(("verification", "gets_in"), [("mandatory", False), ("optional", True)])
def test_staff_with_unconfirmed_address_stay_out(client, support, settings, verification, gets_in):
    settings.ACCOUNTS_EMAIL_VERIFICATION = verification
    User.objects.update(email_verified_at=None)
    response = client.post("/admin/login/", {"username": support.email, "password": PASSWORD})
    assert (response.status_code == 302, is_logged_in(client)) == (gets_in, gets_in)
    if not gets_in:
        assert "Confirm your email address first." in response.content.decode()
        wrong = client.post("/admin/login/", {"username": support.email, "password": "wrong"})
        assert "Confirm your email address first." not in wrong.content.decode()
