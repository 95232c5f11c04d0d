"""The admin of billing: which events Stripe sent, what they changed, and what a person paid."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.models import Payment, StripeEvent, Subscription
from billing.tests.support.stripe_events import changed, payload, post, post_all
from emails.models import OutboundEmail

PAID_EVENT = payload("invoice_paid_first")
EVENT = PAID_EVENT["id"]
CUSTOMER = PAID_EVENT["data"]["object"]["customer"]
INVOICE = PAID_EVENT["data"]["object"]["id"]
SUBSCRIPTION = "sub_1SPb7zKq4RtYw2Vd"
REFUND = {"id": "re_1", "object": "refund", "charge": "ch_1", "amount": 1000, "currency": "usd", "status": "succeeded"}


@pytest.fixture
def admin_client(db) -> Client:
    """A superuser with primary key 1, because PostgreSQL's sequence may be at 7, which is Ada's."""
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", "correct horse", pk=1))
    return client


@pytest.fixture
def purchases(ada) -> None:
    """Ada subscribed and got a partial refund."""
    names = ("customer_subscription_created", "invoice_paid_first", "invoice_payment_paid")
    link = payload("invoice_payment_paid")
    intent = link["data"]["object"]["payment"]["payment_intent"]
    refund = changed(link, "refund.created")
    refund["data"]["object"] = {**REFUND, "payment_intent": intent}
    post_all([*map(payload, names), refund])


@pytest.fixture
def client_with(db) -> Callable[..., Client]:
    """Return a function that logs in a staff member with only the given permissions."""

    def client_with(*permissions: str) -> Client:
        user = User.objects.create_user("staff@example.com", "secret", is_staff=True, pk=2)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(user)
        return client

    return client_with


def page(client: Client, path: str) -> str:
    response = client.get(f"/admin/billing/{path}")
    assert response.status_code == 200, path
    return str(response.content.decode())


def search(client: Client, model: str, **query: str) -> list[str]:
    response = client.get(f"/admin/billing/{model}/", query)
    return [str(row.pk) for row in response.context["cl"].result_list]


@pytest.mark.parametrize("query", [EVENT, CUSTOMER, INVOICE])
def test_event_is_found_by_the_ids_in_it(admin_client, purchases, query):
    assert EVENT in search(admin_client, "stripeevent", q=query)
    assert search(admin_client, "stripeevent", q="in_other") == []


@pytest.mark.parametrize(
    "choice", [{"type": "invoice.paid"}, {"type": "others"}, {"status__exact": "failed"}, {"livemode__exact": "0"}]
)
def test_events_are_filtered(admin_client, purchases, choice):
    StripeEvent.objects.exclude(pk=EVENT).delete()
    other_events = {"evt_1": ("invoice.paid", "processed", True), "evt_2": ("other", "failed", False)}
    for pk, (name, status, livemode) in other_events.items():
        row = {"type": name, "status": status, "livemode": livemode, "created_at": timezone.now()}
        StripeEvent.objects.create(pk=pk, body="{}", **row)
    expected = {EVENT, "evt_1"} if choice == {"type": "invoice.paid"} else {"evt_2"}
    assert set(search(admin_client, "stripeevent", **choice)) == expected


def test_event_page_shows_body_and_links(admin_client, purchases):
    html = page(admin_client, f"stripeevent/{EVENT}/change/")
    assert "&quot;type&quot;: &quot;invoice.paid&quot;" in html
    assert f"/admin/billing/customer/{CUSTOMER.replace('_', '_5F')}/change/" in html
    assert f"/admin/emails/outboundemail/?q={INVOICE}" in html


def test_text_in_a_body_is_escaped(admin_client, purchases):
    post(changed(PAID_EVENT, id="in_2", customer_name="<script>alert(1)</script>"))
    html = page(admin_client, f"stripeevent/{StripeEvent.objects.get(object_id='in_2').pk}/change/")
    assert "&lt;script&gt;alert(1)" in html
    assert "<script>alert(1)" not in html


def test_event_without_body_is_explained(admin_client, purchases):
    StripeEvent.objects.filter(pk=EVENT).update(body="")
    assert "no longer stored" in page(admin_client, f"stripeevent/{EVENT}/change/")
    response = admin_client.post(f"/admin/billing/stripeevent/{EVENT}/process/", follow=True)
    assert "Its body has been erased" in response.content.decode()


@pytest.fixture
def failed_event(ada, settings) -> None:
    """An event that failed because of an invalid sender, which is fixed by now."""
    sender, settings.DEFAULT_FROM_EMAIL = settings.DEFAULT_FROM_EMAIL, "no address"
    post(PAID_EVENT)
    settings.DEFAULT_FROM_EMAIL = sender
    assert StripeEvent.objects.get().status == "failed"


def test_failed_event_shows_the_error(admin_client, failed_event):
    assert "emails.errors.InvalidMessage" in page(admin_client, f"stripeevent/{EVENT}/change/")


def test_failed_event_can_be_processed_again(admin_client, failed_event, queued_emails):
    assert "Process again" in page(admin_client, f"stripeevent/{EVENT}/change/")
    response = admin_client.post(f"/admin/billing/stripeevent/{EVENT}/process/", follow=True)
    assert "Processed." in response.content.decode()
    assert list(queued_emails()) == [f"receipt:{INVOICE}"]
    assert LogEntry.objects.get().change_message == "Processed."


def test_repeated_failure_is_reported(admin_client, failed_event, settings, queued_emails):
    settings.DEFAULT_FROM_EMAIL = "still none"
    response = admin_client.post(f"/admin/billing/stripeevent/{EVENT}/process/", follow=True)
    assert "Our own code failed on it: emails.errors.InvalidMessage" in response.content.decode()
    assert StripeEvent.objects.get().attempts == 2
    assert not queued_emails()


def test_processing_again_changes_nothing(admin_client, purchases, queued_emails):
    before = set(queued_emails())
    event_ids = list(StripeEvent.objects.values_list("pk", flat=True))
    values = {"action": "process_again", "_selected_action": event_ids}
    response = admin_client.post("/admin/billing/stripeevent/", values, follow=True)
    assert f"Processed. ({len(event_ids)})" in response.content.decode()
    assert set(queued_emails()) == before
    assert set(StripeEvent.objects.values_list("status", flat=True)) == {"processed"}


def test_event_waiting_for_an_address_is_explained(admin_client, db):
    post(changed(PAID_EVENT, customer_email=None))
    event = StripeEvent.objects.get()
    response = admin_client.post(f"/admin/billing/stripeevent/{event.pk}/process/", follow=True)
    assert (
        f"The email address of {CUSTOMER} isn&#x27;t known. The email waits until it is." in response.content.decode()
    )


def test_id_that_looks_escaped_is_not_unescaped(admin_client, db):
    post({**PAID_EVENT, "id": "evt_2Fodd"})
    response = admin_client.post("/admin/billing/stripeevent/evt_2Fodd/process/", follow=True)
    assert "&quot;evt_2Fodd&quot;" in response.content.decode()


def test_list_names_events_missing_at_stripe(admin_client, ada):
    post(payload("checkout_session_completed_subscription"))
    assert "add invoice.paid" not in page(admin_client, "stripeevent/")
    StripeEvent.objects.update(received_at=timezone.now() - timedelta(hours=2))
    assert "add invoice.paid" in page(admin_client, "stripeevent/")


@pytest.mark.parametrize("query", [CUSTOMER, "ada@own.example", "ada@example.com"])
def test_customer_is_found_and_shows_purchases(admin_client, purchases, query):
    assert search(admin_client, "customer", q=query) == [CUSTOMER]
    html = page(admin_client, f"customer/{CUSTOMER}/change/")
    assert "/admin/emails/outboundemail/?q=ada%40own.example" in html
    assert f"/admin/accounts/user/{User.objects.get(email='ada@own.example').pk}/change/" in html
    assert f"/admin/billing/subscription/{SUBSCRIPTION.replace('_', '_5F')}/change/" in html
    assert "$29.00" in html


@pytest.mark.parametrize("query", [SUBSCRIPTION, CUSTOMER, "ada@own.example"])
def test_subscription_is_found_and_shows_its_state(admin_client, purchases, query):
    assert search(admin_client, "subscription", q=query) == [SUBSCRIPTION]
    html = page(admin_client, f"subscription/{SUBSCRIPTION}/change/")
    assert "Pro" in html
    assert f"/admin/billing/payment/?q={SUBSCRIPTION}" in html
    assert f"/admin/billing/customer/{CUSTOMER.replace('_', '_5F')}/change/" in html


@pytest.mark.parametrize("query", [INVOICE, CUSTOMER, SUBSCRIPTION, "ada@own.example", "8E3F2A91-0001"])
def test_payment_is_found_and_shows_refunds(admin_client, purchases, query):
    payment = Payment.objects.get()
    assert search(admin_client, "payment", q=query) == [str(payment.pk)]
    html = page(admin_client, f"payment/{payment.pk}/change/")
    assert "re_1: $10.00" in html
    assert f"/admin/emails/outboundemail/?q={INVOICE}" in html
    assert f"/admin/billing/subscription/{SUBSCRIPTION.replace('_', '_5F')}/change/" in html


def test_emails_of_a_payment_are_found_by_its_link(admin_client, purchases):
    response = admin_client.get("/admin/emails/outboundemail/", {"q": INVOICE})
    assert [email.kind for email in response.context["cl"].result_list] == ["receipt"]


MODELS = ("stripeevent", "customer", "subscription", "payment")


def row_id(model: str) -> str:
    pks = {"stripeevent": EVENT, "customer": CUSTOMER, "subscription": SUBSCRIPTION}
    return pks[model] if model in pks else str(Payment.objects.get().pk)


@pytest.mark.parametrize("model", MODELS)
def test_missing_permission_hides_each_model(client_with, purchases, model):
    client = client_with(*(f"view_{other}" for other in MODELS if other != model))
    assert client.get(f"/admin/billing/{model}/").status_code == 403
    assert client.get(f"/admin/billing/{model}/{row_id(model)}/change/").status_code == 403


def test_customer_page_hides_models_without_permission(client_with, purchases):
    client = client_with("view_customer")
    assert "$29.00" not in page(client, f"customer/{CUSTOMER}/change/")


def test_view_permission_does_not_allow_processing(client_with, purchases):
    client = client_with("view_stripeevent")
    assert "Process again" not in page(client, f"stripeevent/{EVENT}/change/")
    assert "Process again" not in page(client, "stripeevent/")
    assert client.post(f"/admin/billing/stripeevent/{EVENT}/process/").status_code == 403
    StripeEvent.objects.update(status="failed")
    client.post("/admin/billing/stripeevent/", {"action": "process_again", "_selected_action": [EVENT]})
    assert StripeEvent.objects.get(pk=EVENT).status == "failed"


def test_change_permission_allows_processing(client_with, purchases):
    client = client_with("change_stripeevent")
    StripeEvent.objects.update(status="failed")
    client.post(f"/admin/billing/stripeevent/{EVENT}/process/")
    assert StripeEvent.objects.get(pk=EVENT).status == "processed"


def test_processing_requires_post(admin_client, purchases):
    assert admin_client.get(f"/admin/billing/stripeevent/{EVENT}/process/").status_code == 405


@pytest.mark.parametrize("model", MODELS)
def test_rows_cannot_be_written_by_hand(admin_client, purchases, model):
    assert admin_client.get(f"/admin/billing/{model}/add/").status_code == 403
    assert admin_client.post(f"/admin/billing/{model}/{row_id(model)}/delete/").status_code == 403
    before = list(Subscription.objects.values()), list(OutboundEmail.objects.values_list("pk"))
    assert admin_client.post(f"/admin/billing/{model}/{row_id(model)}/change/", {"status": "x"}).status_code == 403
    assert (list(Subscription.objects.values()), list(OutboundEmail.objects.values_list("pk"))) == before
