"""What a person at 3 a.m. sees and does on a user's page."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import hooks
from accounts.hooks import TimelineEntry
from accounts.models import EmailChange, User
from accounts.tests.support.users import NEW_PASSWORD, PASSWORD, is_logged_in, log_in
from emails.models import OutboundEmail, Status, Suppression
from emails.services import send_templated_email

LIST = reverse("admin:accounts_user_changelist")


@pytest.fixture
def staff(db, mailoutbox):
    root = User.objects.create_superuser("root@example.com", PASSWORD)
    mailoutbox.clear()
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def page(ada):
    return reverse("admin:accounts_user_change", args=[ada.pk])


@pytest.fixture
def mails(ada, settings):
    """Mails of Ada's, through the outbox."""
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"

    def mails(**changes):
        send_templated_email(
            kind="welcome",
            to=ada.email,
            context={"name": "", "dashboard_url": "https://x.example/", "confirm_url": ""},
            metadata={"user_id": str(ada.pk)},
        )
        newest = [*OutboundEmail.objects.values_list("pk", flat=True)[:1]]
        if changes:
            OutboundEmail.objects.filter(pk__in=newest).update(**changes)

    return mails


def operate(staff, user, name):
    return staff.post(reverse("admin:accounts_user_operate", args=[user.pk, name]), follow=True)


def test_the_timeline_shows_everything_newest_first(staff, page, ada, call, mails, monkeypatch):
    day = timedelta(days=1)
    now = timezone.now()
    mails(status=Status.FAILED, detail="Mailbox full", created_at=now - day)
    EmailChange.objects.create(user=ada, old_address="a@x.example", new_address=ada.email, at=now - 2 * day)
    paid = TimelineEntry(now - 3 * day, "paid", "10.00 EUR", "/somewhere/")
    monkeypatch.setattr(hooks, "timeline_sources", hooks.timeline_sources)
    monkeypatch.setattr("accounts.admin.timeline.timeline_sources", [lambda user: [paid]])
    log_in(call)
    shown = staff.get(page)
    kinds = [entry.what for entry in shown.context["timeline"]]
    assert kinds[0] == "logged in"
    assert kinds[-3:] == ["email “welcome”: failed", "email address changed", "paid"]
    assert "Mailbox full" in shown.content.decode()
    assert '<a href="/somewhere/">paid</a>' in shown.content.decode()


def test_nobody_elses_mail_is_shown(staff, page, ada, mails):
    mails(metadata={"user_id": f"{ada.pk}1"})
    mails(metadata={})
    assert not [entry for entry in staff.get(page).context["timeline"] if entry.what.startswith("mail")]


def test_a_suppressed_address_is_told_at_the_top(staff, page, ada):
    assert "suppression list" not in staff.get(page).content.decode()
    Suppression.objects.create(address=ada.email)
    assert "suppression list" in staff.get(page).content.decode()


def test_the_page_costs_few_queries(staff, page, mails, django_assert_max_num_queries):
    for _ in range(30):
        mails(status=Status.DELIVERED)
    with django_assert_max_num_queries(25):
        staff.get(page)


def test_a_reset_link_can_be_sent(staff, ada, mailoutbox):
    answer = operate(staff, ada, "send_reset_link")
    assert "The password reset link was sent." in answer.content.decode()
    assert [(mail.kind, mail.to) for mail in mailoutbox] == [("password_reset", ["ada@example.com"])]
    assert "root@example.com: The password reset link" in answer.content.decode(), "and the timeline says who did it"


def test_an_address_can_be_verified_once(staff, unconfirmed):
    assert "verified manually" in operate(staff, unconfirmed, "verify_address").content.decode()
    assert User.objects.get(pk=unconfirmed.pk).is_email_verified
    assert "already verified" in operate(staff, unconfirmed, "verify_address").content.decode()


def test_a_person_can_be_logged_out_everywhere(staff, ada, client):
    client.force_login(ada)
    operate(staff, ada, "log_out_everywhere")
    assert not is_logged_in(client)


def test_actions_serve_many(staff, ada, unconfirmed, mailoutbox):
    data = {"_selected_action": [ada.pk, unconfirmed.pk]}
    staff.post(LIST, {**data, "action": "send_reset_link"})
    staff.post(LIST, {**data, "action": "verify_address"})
    assert sorted(mail.to for mail in mailoutbox) == [["ada@example.com"], ["new@example.com"]]
    assert User.objects.get(pk=unconfirmed.pk).is_email_verified


def test_no_link_for_who_could_not_log_in(staff, ada, mailoutbox):
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert "Activate the user first" in operate(staff, ada, "send_reset_link").content.decode()
    assert mailoutbox == []


@pytest.mark.parametrize(("name", "status"), [("send_reset_link", 403), ("nonsense", 403)])
def test_who_may_only_look_can_do_nothing(ada, client, page, mailoutbox, name, status):
    viewer = User.objects.create_user("viewer@example.com", is_staff=True, email_verified_at=timezone.now())
    viewer.user_permissions.add(Permission.objects.get(codename="view_user"))
    mailoutbox.clear()
    client.force_login(viewer)
    assert "Send reset link" not in client.get(page).content.decode()
    assert operate(client, ada, name).status_code == status
    assert mailoutbox == []


def test_operations_are_no_links(staff, ada):
    assert staff.get(reverse("admin:accounts_user_operate", args=[ada.pk, "verify_address"])).status_code == 405
    assert operate(staff, ada, "nonsense").status_code == 404


def test_a_password_set_by_staff_ends_everything_and_is_told(staff, ada, call, mailoutbox):
    token = log_in(call)
    url = reverse("admin:auth_user_password_change", args=[ada.pk])
    data = {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    assert staff.post(url, data).status_code == 302
    assert call("GET", "me/", token=token).status_code == 401
    assert [mail.kind for mail in mailoutbox] == ["password_changed"]


@pytest.mark.parametrize("many", [True, False])
def test_a_deletion_by_staff_erases_and_obeys_the_guards(staff, ada, mails, monkeypatch, many):
    mails(status=Status.SENT, settled_at=timezone.now())
    url, data = reverse("admin:accounts_user_delete", args=[ada.pk]), {"post": "yes"}
    if many:
        url, data = LIST, {**data, "action": "delete_selected", "_selected_action": str(ada.pk)}
    with monkeypatch.context() as patch:
        patch.setattr("accounts.services.deletion.deletion_guards", [lambda user: "Cancel the subscription."])
        shown = staff.post(url, {name: value for name, value in data.items() if name != "post"})
        assert "Cancel the subscription." in shown.content.decode()
        staff.post(url, data)
        assert User.objects.filter(pk=ada.pk).exists()
    staff.post(url, data)
    assert (User.objects.filter(pk=ada.pk).exists(), OutboundEmail.objects.exists()) == (False, False)
    assert "ada@example.com" not in str([*LogEntry.objects.values()])
