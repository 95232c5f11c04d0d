"""`manage.py seed_demo`: what it adds, and that nothing of it remains."""

import io
from collections import Counter
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db.models import Sum
from django.urls import reverse

from accounts.mail import send_password_reset_email
from accounts.models import Login, User
from billing.models import CleanupRequest, Customer, Payment, Subscription
from common.db import database_now
from emails.models import DeliveryEvent, OutboundEmail, Status, Suppression
from emails.support.explanations import explain
from operations.demo import removal, seeding
from operations.demo.progress import Progress
from operations.models import EmailCount
from operations.rollups.hours import oldest_charted
from operations.rollups.tasks import count_by_hour

pytestmark = pytest.mark.django_db
PEOPLE, EMAILS = 40, 300


@pytest.fixture(autouse=True)
def development(settings, monkeypatch):
    monkeypatch.setattr(seeding, "count_by_hour", lambda: None)  # takes longer than all the rest
    settings.DEVELOPMENT_ROUTES = True
    settings.EMAIL_PROVIDER = "console"
    settings.EMAIL_DELIVERY_BACKEND = ""
    settings.STRIPE_SECRET_KEY = ""


@pytest.fixture
def own_rows(settings):
    """Rows that aren't the demo's, with all that could be confused with it."""
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    user = User.objects.create_user("ada@example.com", "a-long-engine-1843", name="Ada")
    Customer.objects.create(pk="cus_Democracy", user=user, email=user.email)
    Payment.objects.create(stripe_id="in_1", user=user, amount=2900, currency="usd", status="paid")
    Suppression.objects.create(address="someone@harbor-books.example.com")
    CleanupRequest.objects.create(action="delete_customer", object_id="cus_1")


def rows() -> dict[str, list[Any]]:
    """All rows of all tables."""
    return {
        model._meta.label: sorted(map(repr, model._default_manager.values_list()))
        for model in apps.get_models(include_auto_created=True)
    }


def run(**options: Any) -> str:
    output = io.StringIO()
    call_command("seed_demo", people=PEOPLE, emails=EMAILS, stdout=output, **options)
    return output.getvalue()


class Interrupting(Progress):
    """Interrupts the run after this number of transactions, as Ctrl-C does."""

    def __init__(self, transactions: int) -> None:
        super().__init__(io.StringIO())
        self.left = transactions

    def advance(self, rows: int) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_writes_as_many_as_asked():
    run()
    assert User.objects.filter(is_staff=False).count() == PEOPLE
    assert OutboundEmail.objects.count() == EMAILS


def test_nothing_remains(own_rows):
    before = rows()
    run()
    run()
    assert rows() != before
    assert run(remove=True) == "Everything is removed.\n"
    assert rows() == before
    assert run(remove=True) == "There was nothing to remove.\n"


def test_charts_show_the_emails(monkeypatch):
    monkeypatch.setattr(seeding, "count_by_hour", count_by_hour)
    run()
    month = OutboundEmail.objects.filter(created_at__gte=oldest_charted(database_now())).count()
    assert EmailCount.objects.aggregate(Sum("count"))["count__sum"] == month > 0
    run(remove=True)
    assert not EmailCount.objects.exists()


def test_second_run_replaces_the_first():
    run()
    first = Counter({name: len(found) for name, found in rows().items()})
    run()
    assert Counter({name: len(found) for name, found in rows().items()}) == first


@pytest.mark.parametrize("transactions", [1, 2])
def test_interrupted_run_is_removed(own_rows, monkeypatch, transactions):
    before = rows()
    monkeypatch.setattr(seeding, "PEOPLE_AT_A_TIME", 20)
    monkeypatch.setattr(seeding, "EMAILS_AT_A_TIME", 100)
    with pytest.raises(KeyboardInterrupt):
        seeding.seed(PEOPLE, EMAILS, Interrupting(transactions * 2))
    assert rows() != before
    run(remove=True)
    assert rows() == before


@pytest.mark.parametrize("transactions", [1, 3, 8])
def test_interrupted_removal_can_be_repeated(own_rows, monkeypatch, transactions):
    before = rows()
    run()
    monkeypatch.setattr(removal, "AT_A_TIME", 50)
    with pytest.raises(KeyboardInterrupt):
        removal.remove(Interrupting(transactions))
    run(remove=True)
    assert rows() == before


def test_later_changes_are_removed(own_rows, settings):
    before = rows()
    run()
    person = User.objects.filter(password__startswith="!demo", stripe_customers__isnull=False).first()
    assert person is not None
    send_password_reset_email(person)
    Login.objects.create(user=person)
    CleanupRequest.objects.create(action="update_name", object_id=person.stripe_customers.get().pk)
    LogEntry.objects.create(
        user=User.objects.get(email="ada@example.com"),
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(person.pk),
        action_flag=CHANGE,
    )
    User.objects.filter(pk=person.pk).update(email="moved@elsewhere.example")
    run(remove=True)
    assert rows() == before


def test_emails_end_in_many_ways():
    call_command("seed_demo", people=300, emails=4000, stdout=io.StringIO())
    statuses = set(OutboundEmail.objects.values_list("status", flat=True))
    assert statuses >= {Status.SENT, Status.DELIVERED, Status.BOUNCED, Status.FAILED, Status.SUPPRESSED}
    subscriptions = set(Subscription.objects.values_list("status", flat=True))
    assert subscriptions == {"trialing", "active", "past_due", "canceled"}


def test_every_email_can_be_explained():
    run()
    assert all(explain(email).sentence for email in OutboundEmail.objects.exclude(status=Status.DELIVERED))


def test_events_belong_to_accepted_emails():
    run()
    assert not DeliveryEvent.objects.filter(email__sent_at=None).exists()
    assert not OutboundEmail.objects.filter(status=Status.DELIVERED, events=None).exists()


def test_nobody_can_log_in():
    run()
    assert not any(user.has_usable_password() for user in User.objects.all())


def test_receipts_add_up():
    run()
    email = OutboundEmail.objects.filter(kind="receipt", content__isnull=False).first()
    assert email is not None
    payment = Payment.objects.get(stripe_id=str(email.idempotency_key).partition(":")[2])
    assert str(payment.amount // 100) in email.message.text
    assert payment.user is not None and payment.user.name in email.message.text


def test_pages_of_demo_people_work(admin_client):
    run()
    person = User.objects.filter(payments__status="failed").first() or User.objects.filter(is_staff=False).first()
    assert person is not None
    response = admin_client.get(reverse("admin:accounts_user_change", args=[person.pk]))
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("DEVELOPMENT_ROUTES", False, r"only with settings\.development"),
        ("EMAIL_PROVIDER", "resend", "EMAIL_PROVIDER=console"),
        ("EMAIL_DELIVERY_BACKEND", "anymail.backends.mailgun.EmailBackend", "EMAIL_PROVIDER=console"),
        ("STRIPE_SECRET_KEY", "sk_test_1", "Unset STRIPE_SECRET_KEY"),
    ],
)
def test_refuses_where_it_could_do_harm(settings, name, value, problem):
    setattr(settings, name, value)
    with pytest.raises(CommandError, match=problem):
        run()
    assert not User.objects.exists()


@pytest.mark.parametrize("option", ["people", "emails"])
@pytest.mark.parametrize("number", [0, -1, 200_001])
def test_refuses_unusable_numbers(option, number):
    with pytest.raises(CommandError, match=f"--{option} takes a number"):
        call_command("seed_demo", **{option: number})


def test_works_without_plans(settings):
    settings.BILLING_PLANS = []
    run()
    assert not Payment.objects.exists()
