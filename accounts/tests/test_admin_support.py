"""What an operator sees and does on a user's page in the admin."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.tests.support.users import NEW_PASSWORD, PASSWORD, is_logged_in, log_in
from emails.models import OutboundEmail, Status
from emails.services import send_templated_email

LIST = reverse("admin:accounts_user_changelist")


@pytest.fixture
def staff_client(db, mailoutbox):
    root = User.objects.create_superuser("root@example.com", PASSWORD)
    mailoutbox.clear()
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def user_page(ada):
    return reverse("admin:accounts_user_change", args=[ada.pk])


@pytest.fixture
def queue_email(ada, settings):
    """Return a function that queues an email to Ada and then changes fields of its row."""
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"

    def queue_email(**changes):
        send_templated_email(
            kind="welcome",
            to=ada.email,
            context={"name": "", "dashboard_url": "https://x.example/", "confirm_url": ""},
            metadata={"user_id": str(ada.pk)},
        )
        newest = [*OutboundEmail.objects.values_list("pk", flat=True)[:1]]
        if changes:
            OutboundEmail.objects.filter(pk__in=newest).update(**changes)

    return queue_email


def run_action(staff_client, user, name):
    return staff_client.post(reverse("admin:accounts_user_operate", args=[user.pk, name]), follow=True)


def test_reset_link_can_be_sent(staff_client, ada, mailoutbox):
    response = run_action(staff_client, ada, "send_reset_link")
    assert "The password reset link was sent." in response.content.decode()
    assert [(email.kind, email.to) for email in mailoutbox] == [("password_reset", ["ada@example.com"])]
    assert "by root@example.com" in response.content.decode(), "the timeline must name who did it"


def test_address_can_be_verified_once(staff_client, unconfirmed_user):
    assert "verified manually" in run_action(staff_client, unconfirmed_user, "verify_address").content.decode()
    assert User.objects.get(pk=unconfirmed_user.pk).is_email_verified
    assert "already verified" in run_action(staff_client, unconfirmed_user, "verify_address").content.decode()


def test_user_can_be_logged_out_everywhere(staff_client, ada, client):
    client.force_login(ada)
    run_action(staff_client, ada, "log_out_everywhere")
    assert not is_logged_in(client)


def test_bulk_actions_apply_to_several_users(staff_client, ada, unconfirmed_user, mailoutbox):
    data = {"_selected_action": [ada.pk, unconfirmed_user.pk]}
    staff_client.post(LIST, {**data, "action": "send_reset_link"})
    staff_client.post(LIST, {**data, "action": "verify_address"})
    assert sorted(email.to for email in mailoutbox) == [["ada@example.com"], ["new@example.com"]]
    assert User.objects.get(pk=unconfirmed_user.pk).is_email_verified


def test_reset_link_is_refused_for_inactive_user(staff_client, ada, mailoutbox):
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert "Activate the user first" in run_action(staff_client, ada, "send_reset_link").content.decode()
    assert mailoutbox == []


@pytest.mark.parametrize(("name", "status"), [("send_reset_link", 403), ("nonsense", 403)])
def test_view_permission_does_not_allow_actions(ada, client, user_page, mailoutbox, name, status):
    viewer = User.objects.create_user("viewer@example.com", is_staff=True, email_verified_at=timezone.now())
    viewer.user_permissions.add(Permission.objects.get(codename="view_user"))
    mailoutbox.clear()
    client.force_login(viewer)
    assert "Send reset link" not in client.get(user_page).content.decode()
    assert run_action(client, ada, name).status_code == status
    assert mailoutbox == []


def test_actions_require_post(staff_client, ada):
    assert staff_client.get(reverse("admin:accounts_user_operate", args=[ada.pk, "verify_address"])).status_code == 405
    assert run_action(staff_client, ada, "nonsense").status_code == 404


def test_password_set_by_staff_ends_sessions_and_notifies(staff_client, ada, call_api, mailoutbox):
    token = log_in(call_api)
    url = reverse("admin:auth_user_password_change", args=[ada.pk])
    data = {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    assert staff_client.post(url, data).status_code == 302
    assert call_api("GET", "me/", token=token).status_code == 401
    assert [email.kind for email in mailoutbox] == ["password_changed"]


@pytest.mark.parametrize("in_bulk", [True, False])
def test_deletion_by_staff_erases_and_obeys_guards(staff_client, ada, queue_email, monkeypatch, in_bulk):
    queue_email(status=Status.SENT, settled_at=timezone.now())
    url, data = reverse("admin:accounts_user_delete", args=[ada.pk]), {"post": "yes"}
    if in_bulk:
        url, data = LIST, {**data, "action": "delete_selected", "_selected_action": str(ada.pk)}
    with monkeypatch.context() as patch:
        patch.setattr("accounts.services.deletion.deletion_guards", [lambda user: "Cancel the subscription."])
        response = staff_client.post(url, {name: value for name, value in data.items() if name != "post"})
        assert "Cancel the subscription." in response.content.decode()
        staff_client.post(url, data)
        assert User.objects.filter(pk=ada.pk).exists()
    staff_client.post(url, data)
    assert (User.objects.filter(pk=ada.pk).exists(), OutboundEmail.objects.exists()) == (False, False)
    assert "ada@example.com" not in str([*LogEntry.objects.values()])
