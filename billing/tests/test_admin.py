"""Did Stripe tell of it, what came of it, and what did this person pay?"""

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

PAID = payload("invoice_paid_first")
EVENT = PAID["id"]
CUSTOMER = PAID["data"]["object"]["customer"]
INVOICE = PAID["data"]["object"]["id"]
SUBSCRIPTION = "sub_1SPb7zKq4RtYw2Vd"
REFUND = {"id": "re_1", "object": "refund", "charge": "ch_1", "amount": 1000, "currency": "usd", "status": "succeeded"}


@pytest.fixture
def admin_client(db) -> Client:
    """With a key of its own: Ada has that of the payloads, where PostgreSQL's sequence may be just then."""
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", "correct horse", pk=1))
    return client


@pytest.fixture
def story(ada) -> None:
    """Ada subscribed, and got some of it back."""
    names = ("customer_subscription_created", "invoice_paid_first", "invoice_payment_paid")
    link = payload("invoice_payment_paid")
    intent = link["data"]["object"]["payment"]["payment_intent"]
    refund = changed(link, "refund.created")
    refund["data"]["object"] = {**REFUND, "payment_intent": intent}
    post_all([*map(payload, names), refund])


@pytest.fixture
def staff(db) -> Callable[..., Client]:
    """Somebody with these permissions and no others."""

    def staff(*permissions: str) -> Client:
        user = User.objects.create_user("staff@example.com", "secret", is_staff=True, pk=2)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(user)
        return client

    return staff


def page(client: Client, path: str) -> str:
    answer = client.get(f"/admin/billing/{path}")
    assert answer.status_code == 200, path
    return str(answer.content.decode())


def found(client: Client, model: str, **query: str) -> list[str]:
    answer = client.get(f"/admin/billing/{model}/", query)
    return [str(row.pk) for row in answer.context["cl"].result_list]


@pytest.mark.parametrize("query", [EVENT, CUSTOMER, INVOICE])
def test_an_event_is_found_by_the_ids_in_it(admin_client, story, query):
    assert EVENT in found(admin_client, "stripeevent", q=query)
    assert found(admin_client, "stripeevent", q="in_other") == []


@pytest.mark.parametrize(
    "choice", [{"type": "invoice.paid"}, {"type": "others"}, {"status__exact": "failed"}, {"livemode__exact": "0"}]
)
def test_events_are_filtered(admin_client, story, choice):
    StripeEvent.objects.exclude(pk=EVENT).delete()
    others = {"evt_1": ("invoice.paid", "processed", True), "evt_2": ("other", "failed", False)}
    for pk, (name, status, livemode) in others.items():
        row = {"type": name, "status": status, "livemode": livemode, "created_at": timezone.now()}
        StripeEvent.objects.create(pk=pk, body="{}", **row)
    expected = {EVENT, "evt_1"} if choice == {"type": "invoice.paid"} else {"evt_2"}
    assert set(found(admin_client, "stripeevent", **choice)) == expected


def test_an_event_shows_its_body_and_leads_to_customer_and_mails(admin_client, story):
    shown = page(admin_client, f"stripeevent/{EVENT}/change/")
    assert "&quot;type&quot;: &quot;invoice.paid&quot;" in shown
    assert f"/admin/billing/customer/{CUSTOMER.replace('_', '_5F')}/change/" in shown
    assert f"/admin/emails/outboundemail/?q={INVOICE}" in shown


def test_text_of_a_body_is_never_markup(admin_client, story):
    post(changed(PAID, id="in_2", customer_name="<script>alert(1)</script>"))
    shown = page(admin_client, f"stripeevent/{StripeEvent.objects.get(object_id='in_2').pk}/change/")
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>alert(1)" not in shown


def test_an_event_without_its_body_says_so(admin_client, story):
    StripeEvent.objects.filter(pk=EVENT).update(body="")
    assert "no longer stored" in page(admin_client, f"stripeevent/{EVENT}/change/")
    answer = admin_client.post(f"/admin/billing/stripeevent/{EVENT}/process/", follow=True)
    assert "Its body has been erased" in answer.content.decode()


@pytest.fixture
def broken(ada, settings) -> None:
    """An event that our own code broke on, until the sender was mended."""
    sender, settings.DEFAULT_FROM_EMAIL = settings.DEFAULT_FROM_EMAIL, "no address"
    post(PAID)
    settings.DEFAULT_FROM_EMAIL = sender
    assert StripeEvent.objects.get().status == "failed"


def test_a_failed_event_shows_what_broke(admin_client, broken):
    assert "emails.errors.InvalidMessage" in page(admin_client, f"stripeevent/{EVENT}/change/")


def test_a_failed_event_is_processed_by_a_button(admin_client, broken, mails):
    assert "Process again" in page(admin_client, f"stripeevent/{EVENT}/change/")
    answer = admin_client.post(f"/admin/billing/stripeevent/{EVENT}/process/", follow=True)
    assert "Processed." in answer.content.decode()
    assert list(mails()) == [f"receipt:{INVOICE}"]
    assert LogEntry.objects.get().change_message == "Processed."


def test_what_still_fails_is_told(admin_client, broken, settings, mails):
    settings.DEFAULT_FROM_EMAIL = "still none"
    answer = admin_client.post(f"/admin/billing/stripeevent/{EVENT}/process/", follow=True)
    assert "Our own code failed on it: emails.errors.InvalidMessage" in answer.content.decode()
    assert StripeEvent.objects.get().attempts == 2
    assert not mails()


def test_what_is_processed_changes_nothing_when_processed_again(admin_client, story, mails):
    before = set(mails())
    chosen = list(StripeEvent.objects.values_list("pk", flat=True))
    values = {"action": "process_again", "_selected_action": chosen}
    answer = admin_client.post("/admin/billing/stripeevent/", values, follow=True)
    assert f"Processed. ({len(chosen)})" in answer.content.decode()
    assert set(mails()) == before
    assert set(StripeEvent.objects.values_list("status", flat=True)) == {"processed"}


def test_what_waits_for_an_address_says_so(admin_client, db):
    post(changed(PAID, customer_email=None))
    event = StripeEvent.objects.get()
    answer = admin_client.post(f"/admin/billing/stripeevent/{event.pk}/process/", follow=True)
    assert f"The email address of {CUSTOMER} isn&#x27;t known. The email waits until it is." in answer.content.decode()


def test_an_id_that_looks_like_an_escape_is_an_id(admin_client, db):
    post({**PAID, "id": "evt_2Fodd"})
    answer = admin_client.post("/admin/billing/stripeevent/evt_2Fodd/process/", follow=True)
    assert "&quot;evt_2Fodd&quot;" in answer.content.decode()


def test_the_list_says_what_to_tick_at_stripe(admin_client, ada):
    post(payload("checkout_session_completed_subscription"))
    assert "add invoice.paid" not in page(admin_client, "stripeevent/")
    StripeEvent.objects.update(received_at=timezone.now() - timedelta(hours=2))
    assert "add invoice.paid" in page(admin_client, "stripeevent/")


@pytest.mark.parametrize("query", [CUSTOMER, "ada@own.example", "ada@example.com"])
def test_a_customer_is_found_and_shows_what_they_have(admin_client, story, query):
    assert found(admin_client, "customer", q=query) == [CUSTOMER]
    shown = page(admin_client, f"customer/{CUSTOMER}/change/")
    assert "/admin/emails/outboundemail/?q=ada%40own.example" in shown
    assert f"/admin/accounts/user/{User.objects.get(email='ada@own.example').pk}/change/" in shown
    assert f"/admin/billing/subscription/{SUBSCRIPTION.replace('_', '_5F')}/change/" in shown
    assert "29.00 USD" in shown


@pytest.mark.parametrize("query", [SUBSCRIPTION, CUSTOMER, "ada@own.example"])
def test_a_subscription_is_found_and_shows_its_state(admin_client, story, query):
    assert found(admin_client, "subscription", q=query) == [SUBSCRIPTION]
    shown = page(admin_client, f"subscription/{SUBSCRIPTION}/change/")
    assert "Pro" in shown
    assert f"/admin/billing/payment/?q={SUBSCRIPTION}" in shown
    assert f"/admin/billing/customer/{CUSTOMER.replace('_', '_5F')}/change/" in shown


@pytest.mark.parametrize("query", [INVOICE, CUSTOMER, SUBSCRIPTION, "ada@own.example", "8E3F2A91-0001"])
def test_a_payment_is_found_and_shows_its_refunds(admin_client, story, query):
    payment = Payment.objects.get()
    assert found(admin_client, "payment", q=query) == [str(payment.pk)]
    shown = page(admin_client, f"payment/{payment.pk}/change/")
    assert "re_1: 10.00 USD" in shown
    assert f"/admin/emails/outboundemail/?q={INVOICE}" in shown
    assert f"/admin/billing/subscription/{SUBSCRIPTION.replace('_', '_5F')}/change/" in shown


def test_the_mails_of_a_payment_are_found_by_its_link(admin_client, story):
    answer = admin_client.get("/admin/emails/outboundemail/", {"q": INVOICE})
    assert [mail.kind for mail in answer.context["cl"].result_list] == ["receipt"]


MODELS = ("stripeevent", "customer", "subscription", "payment")


def rows(model: str) -> str:
    pks = {"stripeevent": EVENT, "customer": CUSTOMER, "subscription": SUBSCRIPTION}
    return pks[model] if model in pks else str(Payment.objects.get().pk)


@pytest.mark.parametrize("model", MODELS)
def test_nobody_without_permission_sees_anything(staff, story, model):
    client = staff(*(f"view_{other}" for other in MODELS if other != model))
    assert client.get(f"/admin/billing/{model}/").status_code == 403
    assert client.get(f"/admin/billing/{model}/{rows(model)}/change/").status_code == 403


def test_a_customers_page_keeps_back_what_one_may_not_see(staff, story):
    client = staff("view_customer")
    assert "29.00 USD" not in page(client, f"customer/{CUSTOMER}/change/")


def test_who_may_look_may_not_process(staff, story):
    client = staff("view_stripeevent")
    assert "Process again" not in page(client, f"stripeevent/{EVENT}/change/")
    assert "Process again" not in page(client, "stripeevent/")
    assert client.post(f"/admin/billing/stripeevent/{EVENT}/process/").status_code == 403
    StripeEvent.objects.update(status="failed")
    client.post("/admin/billing/stripeevent/", {"action": "process_again", "_selected_action": [EVENT]})
    assert StripeEvent.objects.get(pk=EVENT).status == "failed"


def test_who_may_operate_may_process(staff, story):
    client = staff("change_stripeevent")
    StripeEvent.objects.update(status="failed")
    client.post(f"/admin/billing/stripeevent/{EVENT}/process/")
    assert StripeEvent.objects.get(pk=EVENT).status == "processed"


def test_processing_takes_a_post(admin_client, story):
    assert admin_client.get(f"/admin/billing/stripeevent/{EVENT}/process/").status_code == 405


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_written_by_hand(admin_client, story, model):
    assert admin_client.get(f"/admin/billing/{model}/add/").status_code == 403
    assert admin_client.post(f"/admin/billing/{model}/{rows(model)}/delete/").status_code == 403
    before = list(Subscription.objects.values()), list(OutboundEmail.objects.values_list("pk"))
    assert admin_client.post(f"/admin/billing/{model}/{rows(model)}/change/", {"status": "x"}).status_code == 403
    assert (list(Subscription.objects.values()), list(OutboundEmail.objects.values_list("pk"))) == before
