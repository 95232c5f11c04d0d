"""After an account is deleted, no table, session, cache entry, or log line contains the person's addresses or name.

Ada uses pages and API, changes her address, and gets help from staff. Providers report what happened to her emails,
also after she left. What billing stores is the subject of billing/tests/test_privacy.py and test_deletion.py.
"""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.db.models import F, Model
from django.test import Client

from accounts.models import EmailChange, User
from accounts.retention import delete_unconfirmed_accounts
from emails.models import DeliveryEvent, OutboundEmail, Suppression
from emails.retention import purge
from emails.tasks import deliver_due
from emails.tests.support.clock import travel
from emails.tests.support.signed_events import RESEND_SECRET, SEQUENZY_SECRET, WEBHOOK_SENDERS

PASSWORD = "correct horse battery staple"
OLD, NEW = "Ada.Byron@BÜCHER.example", "countess@example.com"
STORED_OLD = "ada.byron@xn--bcher-kva.example"
NAME = "Augusta Lovelace"
TRACES = ["ada.byron", "bücher", "xn--bcher", "countess", "lovelace", "augusta"]


@pytest.fixture(params=["resend", "sequenzy"])
def provider(request, settings, provider_api, transactional_db) -> str:
    """Provide the name of a provider whose events contain our ID, and of one whose events don't."""
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    settings.EMAIL_PROVIDER = request.param
    for name in ("resend", "sequenzy"):
        setattr(settings, f"{name.upper()}_API_KEY", f"key-of-{name}")
        setattr(settings, f"{name.upper()}_API_URL", provider_api.url(name))
    settings.RESEND_WEBHOOK_SECRETS, settings.SEQUENZY_WEBHOOK_SECRETS = [RESEND_SECRET], [SEQUENZY_SECRET]
    settings.CONTACTS_SYNC = True
    cache.clear()
    return str(request.param)


@pytest.fixture
def ada(provider) -> Client:
    """Provide the browser of Ada, who has used everything once."""
    browser = Client()
    browser.post("/signup", {"email": OLD, "name": NAME, "password": PASSWORD})
    browser.post("/welcome", {"email": OLD})
    use(browser, "verify-email", password=PASSWORD)
    Client().post("/signup", {"email": OLD, "name": NAME, "password": PASSWORD})
    Client().post("/forgot-password", {"email": OLD})
    browser.post("/settings/email", {"email": NEW, "password": PASSWORD})
    use(browser, "confirm-email-change", password=PASSWORD)
    EmailChange.objects.update(at=F("at") - timedelta(days=4))
    browser.post("/settings/email/keep", {"password": PASSWORD})
    use(browser, "keep-email-address", password=PASSWORD)
    assert User.objects.get().email == NEW
    token = browser.post("/api/accounts/login/", {"email": NEW, "password": PASSWORD}, "application/json").json()[
        "token"
    ]
    assert token
    deliver_due()
    return browser


def use(browser: Client, page: str, **data: str) -> None:
    """Submit the form behind the newest link to this page."""
    texts = [email.message.text for email in OutboundEmail.objects.order_by("-created_at") if email.content]
    token = next(text for text in texts if f"/{page}?token=" in text).partition("?token=")[2].split()[0]
    assert browser.post(f"/{page}", {"token": token, **data}).status_code == 302


def report_events(provider: str, emails: list[OutboundEmail]) -> None:
    sender = WEBHOOK_SENDERS[provider]()
    for email in emails:
        our_id: dict[str, Any] = {"our_id": email.pk} if provider == "resend" else {}
        for to in email.recipients.split():
            for kind in ("email.delivered", "email.opened"):
                event = sender.event(kind, message=email.provider_message_id, to=to, **our_id)
                assert sender.post(event).status_code == 200


def log_actions(user: User) -> None:
    """Have staff change the user, an email, and a suppression, as the admin logs it."""
    suppression = Suppression.objects.create(address="unrelated@example.com")
    email = OutboundEmail.objects.exclude(recipients="")[0]
    rows: list[Model] = [user, email, suppression]
    for row in rows:
        LogEntry.objects.create(
            user=User.objects.create_superuser(f"{row._meta.model_name}@example.org"),
            object_id=str(row.pk),
            action_flag=CHANGE,
            content_type=ContentType.objects.get_for_model(row),
            object_repr=str(row),
            change_message=f"A note about {STORED_OLD}. And {NEW}",
        )


def traces() -> set[tuple[str, str]]:
    """Return where a trace of Ada is stored, and which."""
    return {(place, trace) for place, text in places() for trace in TRACES if trace in text.lower()}


def places() -> Iterator[tuple[str, str]]:
    """Yield the name and the content of each table, the sessions decoded, and the cache."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            yield (
                table,
                " ".join(
                    str(value.tobytes() if isinstance(value, memoryview) else value)
                    for row in cursor.fetchall()
                    for value in row
                ),
            )
    yield "sessions", str([session.get_decoded() for session in Session.objects.all()])
    yield "cache", str([*cache._cache.items()])  # type: ignore[attr-defined]  # of LocMemCache


def test_traces_are_found(ada, provider):
    report_events(provider, [*OutboundEmail.objects.exclude(provider_message_id="")])
    log_actions(User.objects.get(email=NEW))
    assert {place for place, _ in traces()} >= {
        "accounts_user",
        "accounts_emailchange",
        "emails_outboundemail",
        "emails_deliveryevent",
        "django_admin_log",
    }


def test_deletion_leaves_no_trace(ada, provider, caplog):
    caplog.set_level(logging.INFO)
    user = User.objects.get()
    log_actions(user)
    emails = [*OutboundEmail.objects.exclude(provider_message_id="")]
    report_events(provider, emails[::2])
    assert ada.post("/settings/data", {"password": PASSWORD}).status_code == 302
    notice = OutboundEmail.objects.get(kind="deletion_notice")
    deliver_due()
    # Nothing waits for an hourly task.
    assert traces() == set()
    report_events(provider, [*emails, notice])
    if provider == "sequenzy":  # whose events don't say that they are about emails of ours
        travel(timedelta(days=4))
        purge()
    assert traces() == set()
    assert not [line for line in caplog.messages if any(trace in line.lower() for trace in TRACES)]
    assert DeliveryEvent.objects.exists()


def test_account_that_was_never_confirmed_leaves_no_trace(provider):
    Client().post("/signup", {"email": OLD, "name": NAME, "password": PASSWORD})
    deliver_due()
    report_events(provider, [*OutboundEmail.objects.all()])
    User.objects.update(date_joined=F("date_joined") - timedelta(days=15))
    assert traces()
    delete_unconfirmed_accounts()
    deliver_due()
    assert traces() == set()


def test_log_about_similar_addresses_stays(ada):
    user = User.objects.get()
    log_actions(user)
    LogEntry.objects.update(change_message=f"x{NEW} and {NEW}.example.org")
    ada.post("/settings/data", {"password": PASSWORD})
    assert LogEntry.objects.filter(change_message="").count() == 2  # about the user and one of the emails


def test_visitors_leave_no_session(provider):
    """Otherwise, the address that they entered would stay in the database for weeks."""
    for path in ("/signup", "/welcome", "/forgot-password"):
        Client().post(path, {"email": OLD, "name": NAME, "password": PASSWORD})
    assert not any("@" in str(session.get_decoded()) for session in Session.objects.all())
