"""A person's page in the admin: what staff see first, the timeline, and where everything leads."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.admin.timeline import PAGE
from accounts.hooks import Category, Stretch, TimelineEntry, TimelineSource
from accounts.models import EmailChange, Login, User
from accounts.tests.support.browser import text_of
from accounts.tests.support.person import entries_on, queue_email
from accounts.tests.support.users import PASSWORD, is_logged_in, log_in
from emails import privacy
from emails.models import OutboundEmail, Reason, Status, Suppression

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def outbox(settings):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"


@pytest.fixture
def staff_client(db):
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    return client


@pytest.fixture
def page(ada):
    OutboundEmail.objects.all().delete()
    return reverse("admin:accounts_user_change", args=[ada.pk])


def test_timeline_shows_everything_newest_first(staff_client, page, ada, call_api, monkeypatch):
    now = timezone.now()
    queue_email(ada, status=Status.FAILED, detail="Mailbox full", created_at=now - DAY)
    EmailChange.objects.create(user=ada, old_address="a@x.example", new_address=ada.email, at=now - 2 * DAY)
    paid = TimelineSource(Category.MONEY, lambda *_: [TimelineEntry(now - 3 * DAY, "Paid", "10 EUR", "/somewhere/")])
    monkeypatch.setattr("accounts.admin.timeline.timeline_sources", [paid])
    log_in(call_api)
    response = staff_client.get(page)
    expected = ["Your password for Acme was changed", "Email address changed", "Paid"]
    assert (entries_on(response)[0], entries_on(response)[-3:]) == ("Logged in", expected)
    assert '<a href="/somewhere/">Paid</a>' in response.content.decode()


def test_page_begins_with_the_person_and_hides_the_form(staff_client, page):
    html = staff_client.get(page).content.decode()
    head, timeline, form = html.index("person-head"), html.index('id="timeline"'), html.index('id="user_form"')
    assert head < timeline < html.index("<details") < form
    assert "algorithm" not in html[:form], "the password's hash is in the form"
    assert "<details" in html and "<details open" not in html


def test_form_is_open_if_it_has_errors(staff_client, page):
    assert " open>" in staff_client.post(page, {"email": "x"}).content.decode()


@pytest.mark.parametrize("status", Status)
def test_every_state_of_an_email_has_words_and_a_tone(staff_client, page, ada, status):
    queue_email(ada, status=status, sent_at=timezone.now(), settled_at=timezone.now())
    html = staff_client.get(page, {"show": "email"}).content.decode()
    assert html.partition('id="timeline"')[2].count('class="badge badge-') == 1


@pytest.mark.parametrize(
    ("status", "reason", "button"),
    [
        (Status.FAILED, Reason.REFUSED, "Retry now"),
        (Status.CANCELLED, "", "Retry now"),
        (Status.BOUNCED, "", "Resend a copy"),
        (Status.QUEUED, "", "Cancel"),
    ],
)
def test_email_that_did_not_arrive_has_a_reason_and_an_action(staff_client, page, ada, status, reason, button):
    email = queue_email(ada, status=status, reason=reason, detail="550 mailbox full", settled_at=timezone.now())
    text = text_of(staff_client.get(page))
    assert button in text
    if status != Status.QUEUED:
        assert "550 mailbox full" in text or status == Status.CANCELLED
    name = {"Retry now": "retry", "Resend a copy": "resend", "Cancel": "cancel"}[button]
    response = staff_client.post(reverse("admin:emails_outboundemail_operate", args=[email.pk, name]))
    assert response.status_code == 302


def test_email_without_its_body_cannot_be_retried(staff_client, page, ada):
    queue_email(ada, status=Status.FAILED, content=None, sensitive=True, settled_at=timezone.now())
    text = text_of(staff_client.get(page))
    assert "Retry" not in text
    assert "have the person request a new one" in text


def test_staff_without_the_permission_see_no_buttons(page, ada, client):
    viewer = User.objects.create_user("viewer@example.com", is_staff=True, email_verified_at=timezone.now())
    viewer.user_permissions.add(Permission.objects.get(codename="view_user"))
    queue_email(ada, status=Status.FAILED)
    client.force_login(viewer)
    text = text_of(client.get(page))
    assert "Failed" in text
    assert "Retry now" not in text
    assert "Write an email" not in text


@pytest.mark.parametrize("show", ["", *Category])
def test_each_filter_shows_only_its_entries(staff_client, page, ada, call_api, show):
    queue_email(ada)
    log_in(call_api)
    staff_client.post(reverse("admin:accounts_user_operate", args=[ada.pk, "log_out_everywhere"]))
    shown = {*entries_on(staff_client.get(page, {"show": show} if show else {}))}
    kinds = {
        "email": {"Your password for Acme was changed"},
        "logins": {"Logged in", "Signed up", "Email address verified"},
        "staff": {"The user was logged out on all devices."},
    }
    assert shown == (kinds.get(show, set()) if show else set().union(*kinds.values()))


@pytest.mark.parametrize(
    "query",
    [
        {"show": "nonsense"},
        {"until": "yesterday"},
        {"until": "2026-13-41T00:00Z"},
        {"until": "2026-01-01"},
        {"until": "2026-01-01T00:00Z", "skip": "-1"},
        {"until": "2026-01-01T00:00Z", "skip": "9" * 30},
        {"until": "\0"},
    ],
)
def test_unusable_position_is_refused(staff_client, page, query):
    assert staff_client.get(page, query).status_code == 400


def test_every_entry_is_on_exactly_one_page(staff_client, page, ada):
    """Emails of one transaction have the same time, and a page can end among them."""
    metadata, now = {"user_id": str(ada.pk)}, timezone.now()
    OutboundEmail.objects.bulk_create(
        OutboundEmail(metadata=metadata, subject=f"No. {number}", created_at=now - DAY * (number // 60))
        for number in range(130)
    )
    found, url = [], f"{page}?show=email"
    while url:
        response = staff_client.get(url)
        found += entries_on(response)
        older = response.context["timeline"].older
        url = page + older if older else ""
    assert sorted(found) == sorted(f"No. {number}" for number in range(130))


def test_timeline_shows_only_the_persons_own_email(staff_client, page, ada):
    queue_email(ada, metadata={"user_id": f"{ada.pk}1"})
    queue_email(ada, metadata={})
    assert entries_on(staff_client.get(page, {"show": "email"})) == []


def test_head_names_suppressions_and_links_to_their_row(staff_client, page, ada):
    assert "Not suppressed" in text_of(staff_client.get(page))
    row = Suppression.objects.create(address=ada.email, cause="hard_bounce")
    response = staff_client.get(page)
    assert "Gets no email" in text_of(response)
    assert reverse("admin:emails_suppression_change", args=[row.pk]) in response.content.decode()


def test_addresses_lead_to_all_emails_sent_to_them(staff_client, page, ada):
    EmailChange.objects.create(user=ada, old_address="old@x.example", new_address=ada.email)
    early = OutboundEmail.objects.create(recipients="old@x.example", subject="From before the account existed")
    html = staff_client.get(page).content.decode()
    for address in ("ada%40example.com", "old%40x.example"):
        assert f"/admin/emails/outboundemail/?q={address}" in html
    assert early.subject in staff_client.get("/admin/emails/outboundemail/?q=old@x.example").content.decode()


def test_everything_on_the_page_leads_somewhere(staff_client, page, ada, call_api):
    queue_email(ada, status=Status.FAILED)
    Suppression.objects.create(address=ada.email)
    log_in(call_api)
    staff_client.post(reverse("admin:accounts_user_operate", args=[ada.pk, "log_out_everywhere"]))
    response = staff_client.get(page)
    entries = [entry for _, entries in response.context["timeline"].days for entry in entries]
    urls = {entry.url for entry in entries} | {fact.url for fact in response.context["facts"]}
    assert {entry.what for entry in entries if not entry.url} <= {"Signed up", "Email address verified"}
    for url in filter(None, urls):
        assert staff_client.get(url).status_code == 200, url


def test_staff_actions_name_who_did_what_to_which_email(staff_client, page, ada):
    email = queue_email(ada)
    staff_client.post(reverse("admin:emails_outboundemail_operate", args=[email.pk, "cancel"]))
    suppression = Suppression.objects.create(address=ada.email)
    staff_client.post(reverse("admin:emails_suppression_delete", args=[suppression.pk]), {"post": "yes"})
    response = staff_client.get(page, {"show": "staff"})
    assert entries_on(response) == ["Deletion", "Canceled."]
    assert text_of(response).count("by root@example.com") == 2
    assert reverse("admin:emails_outboundemail_change", args=[email.pk]) in response.content.decode()


def test_logins_lead_to_the_devices_where_staff_can_end_them(staff_client, page, ada):
    browser = Client()
    browser.post("/login", {"email": ada.email, "password": PASSWORD})
    login = Login.objects.get(user=ada)
    devices = reverse("admin:accounts_user_devices", args=[ada.pk])
    assert f"{devices}#login-{login.pk}" in staff_client.get(page).content.decode()
    assert "Logged in" in text_of(staff_client.get(devices))
    staff_client.post(devices, {"login": login.pk})
    assert not is_logged_in(browser)
    assert "Ended" in text_of(staff_client.get(devices))
    assert LogEntry.objects.filter(object_id=str(ada.pk), change_message__startswith="Logged out").count() == 1
    for value in (login.pk, "x", "", "9" * 30):
        assert staff_client.post(devices, {"login": value}).status_code == 404


def test_page_costs_few_queries(staff_client, page, ada, django_assert_max_num_queries):
    for _ in range(30):
        queue_email(ada, status=Status.DELIVERED)
    with django_assert_max_num_queries(40):
        staff_client.get(page)


def test_problems_cost_few_queries(staff_client, page, ada, django_assert_max_num_queries):
    email = queue_email(ada)
    OutboundEmail.objects.bulk_create(
        OutboundEmail(metadata=email.metadata, status=Status.FAILED, detail="Mailbox full") for _ in range(99)
    )
    with django_assert_max_num_queries(45):
        html = staff_client.get(page).content.decode()
    assert html.count("Mailbox full") == PAGE


def test_each_part_of_the_timeline_is_found_by_an_index(ada):
    """PostgreSQL reads a small table as it likes, so there are enough rows, most of them other people's."""
    now = timezone.now()
    others = 4 * User.objects.bulk_create(User(email=f"person-{number}@example.com") for number in range(1000))
    Login.objects.bulk_create(
        Login(user=user, at=now - timedelta(minutes=number)) for number, user in enumerate([*others, *[ada] * 200])
    )
    OutboundEmail.objects.bulk_create(
        OutboundEmail(metadata={"user_id": str(user.pk)}, created_at=now - timedelta(minutes=number))
        for number, user in enumerate([*others, *[ada] * 50])
    )
    connection.cursor().execute("ANALYZE")
    stretch = Stretch(limit=40, until=now)
    emails = stretch.newest(privacy.emails_of(str(ada.pk)), "created_at")
    assert "outbound_person" in emails.explain()
    assert "login_newest" in stretch.newest(ada.logins.all(), "at").explain()
