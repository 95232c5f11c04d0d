"""One search field finds people, email addresses, and every ID that is stored."""

from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from billing.models import (
    Card,
    Checkout,
    Customer,
    Dispute,
    EarlyFraudWarning,
    InvoicePayment,
    Payment,
    StripeEvent,
    Subscription,
    SubscriptionChange,
)
from common.admin import change_url
from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail, Suppression

SEARCH = reverse("admin:search")
UUIDS = {name: uuid4() for name in ("email", "attempt", "event", "checkout", "change")}


@pytest.fixture
def rows(ada) -> dict[str, Any]:
    """One row of each kind, by the page that a search should lead to."""
    customer = Customer.objects.create(pk="cus_AbC1", user=ada, email=ada.email)
    Card.objects.create(pk="pm_1", customer=customer)
    Checkout.objects.create(pk=UUIDS["checkout"], user=ada, session_id="cs_test_1", closed_at=timezone.now())
    payment = Payment.objects.create(
        stripe_id="in_1", customer=customer, amount=2900, currency="usd", status="paid", charge="ch_1"
    )
    InvoicePayment.objects.create(payment_intent="pi_1", invoice="in_1")
    subscription = Subscription.objects.create(pk="sub_1", customer=customer, status="active")
    email = OutboundEmail.objects.create(
        pk=UUIDS["email"],
        recipients=ada.email,
        idempotency_key="receipt:in_1",
        provider_message_id="re_49a3999c",
        metadata={"user_id": str(ada.pk)},
    )
    now = timezone.now()
    return {
        "user": ada,
        "customer": customer,
        "payment": payment,
        "subscription": subscription,
        "email": email,
        "attempt": DeliveryAttempt.objects.create(pk=UUIDS["attempt"], provider="resend"),
        "event": DeliveryEvent.objects.create(
            pk=UUIDS["event"], provider="resend", fingerprint="1", type="delivered", occurred_at=now, recipient="b@x.io"
        ),
        "stripe_event": StripeEvent.objects.create(
            pk="evt_1", type="refund.created", livemode=False, body="{}", created_at=now, object_id="re_2"
        ),
        "dispute": Dispute.objects.create(pk="du_1", payment=payment, status="needs_response"),
        "warning": EarlyFraudWarning.objects.create(pk="issfr_1", payment=payment),
        "change": SubscriptionChange.objects.create(
            pk=UUIDS["change"], user=ada, subscription=subscription, action="cancel"
        ),
    }


IDS = {
    "ada@example.com": "user",
    "ADA@Example.COM": "user",
    "Ada Lovelace <ada@example.com>": "user",
    '"Lovelace, Ada" <ada@example.com>;': "user",
    "mailto:ada@example.com?subject=Hi": "user",
    "  (ada@example.com).  ": "user",
    "\u200bada@example.com\u00a0": "user",
    "from=<x> to=<ada@example.com> proto=ESMTP": "user",
    "cs_test_1": "user",
    "cus_AbC1": "customer",
    "pm_1": "customer",
    "in_1": "payment",
    "pi_1": "payment",
    "ch_1": "payment",
    "ch_1,": "payment",
    "sub_1": "subscription",
    "evt_1": "stripe_event",
    "re_2": "stripe_event",
    "du_1": "dispute",
    "issfr_1": "warning",
    "receipt:in_1": "email",
    "RECEIPT:in_1": "email",
    "re_49a3999c": "email",
    "https://dashboard.stripe.com/test/payments/pi_1": "payment",
    "https://dashboard.stripe.com/customers/cus_AbC1#a": "customer",
    "https://dashboard.stripe.com/acct_1/events/evt_1?x=y": "stripe_event",
    "https://resend.com/emails/re_49a3999c": "email",
    "provider_message_id=re_49a3999c,": "email",
}


@pytest.mark.parametrize(("text", "name"), IDS.items(), ids=range(len(IDS)))
def test_exact_hit_leads_to_its_page(root, rows, text, name):
    response = root.get(SEARCH, {"q": text})
    assert response.headers.get("Location") == change_url(rows[name])


@pytest.mark.parametrize("name", ["email", "attempt", "event", "change"])
def test_uuid_leads_to_its_page_in_any_spelling(root, rows, name):
    for text in (str(UUIDS[name]), str(UUIDS[name]).upper(), UUIDS[name].hex, f"message={UUIDS[name]}."):
        assert root.get(SEARCH, {"q": text}).headers["Location"] == change_url(rows[name])


def test_own_checkout_id_leads_to_the_buyer(root, rows):
    assert root.get(SEARCH, {"q": UUIDS["checkout"]}).headers["Location"] == change_url(rows["user"])


def test_number_leads_to_the_user(root, rows):
    assert root.get(SEARCH, {"q": rows["user"].pk}).headers["Location"] == change_url(rows["user"])


def test_pasted_admin_url_leads_to_its_row(root, rows):
    for name in rows:
        for url in (change_url(rows[name]), f"https://app.example.com{change_url(rows[name])}?x=1"):
            assert root.get(SEARCH, {"q": url}).headers["Location"] == change_url(rows[name])


def test_domain_in_unicode_finds_its_ascii_form(root, mailoutbox):
    user = User.objects.create_user("ada@bücher.example")
    for text in ("ada@bücher.example", "ada@xn--bcher-kva.example", "ADA@BÜCHER.EXAMPLE"):
        assert root.get(SEARCH, {"q": text}).headers["Location"] == change_url(user)


def test_several_hits_are_listed_with_their_states(root, rows):
    other = OutboundEmail.objects.create(
        recipients="b@example.com", provider_message_id="re_49a3999c", status="bounced"
    )
    html = root.get(SEARCH, {"q": "re_49a3999c"}).content.decode()
    assert change_url(other) in html
    assert change_url(rows["email"]) in html
    assert ">Bounced<" in html


def test_address_without_account_shows_what_is_known(root, rows):
    guest = "guest@example.com"
    found = [
        OutboundEmail.objects.create(recipients=guest, subject="Your receipt"),
        Suppression.objects.create(address=guest, cause="hard_bounce"),
        Customer.objects.create(pk="cus_2", email="Guest@example.com"),
        Payment.objects.create(stripe_id="cs_2", email=guest, amount=1, currency="usd", status="paid"),
        DeliveryEvent.objects.create(
            provider="resend", fingerprint="2", type="bounced", occurred_at=timezone.now(), recipient=guest
        ),
    ]
    html = root.get(SEARCH, {"q": "Guest@example.com"}).content.decode()
    assert "No account has the email address" in html
    assert [row for row in found if change_url(row) not in html] == []


@pytest.mark.parametrize("text", ["lovelace", "Ada L", "ada@exam", "ada", "LOVE"])
def test_part_of_a_name_or_address_lists_people(root, rows, text):
    response = root.get(SEARCH, {"q": text})
    assert response.status_code == 200
    assert change_url(rows["user"]) in response.content.decode()


@pytest.mark.parametrize(
    "text",
    [
        "nobody",
        "%",
        "_",
        "\\",
        "'; DROP TABLE accounts_user; --",
        "<script>alert(1)</script>",
        "@",
        "a@b@c",
        "http://[",
        "/admin/",
        "/admin/accounts/user/nonsense/change/",
        "/admin/accounts/user/99999999999999999999999/change/",
        "/admin/nothing/at/all/",
        "/admin/sessions/session/x/change/",
        "9" * 30,
        "\U0001f4a5\u202e",
        "x" * 10_000,
        "word " * 200,
        "ada@" + "x" * 400 + ".example",
        "evt_",
    ],
    ids=range(20),
)
def test_what_leads_nowhere_gets_help(root, rows, text):
    response = root.get(SEARCH, {"q": text})
    assert response.status_code == 200
    assert "You can search for:" in response.content.decode()
    assert "<script>alert" not in response.content.decode()


def test_empty_search_gets_help(root):
    for parameters in ({}, {"q": ""}, {"q": "  \t\n "}):
        assert "You can search for:" in root.get(SEARCH, parameters).content.decode()


def test_nul_is_refused_without_an_error(root):
    assert root.get(SEARCH, {"q": "ada\0"}).status_code == 400


@pytest.mark.parametrize(
    ("permission", "text", "name"),
    [("view_outboundemail", "receipt:in_1", "email"), ("view_payment", "in_1", "payment")],
)
def test_staff_find_only_what_they_may_view(staff_with, rows, permission, text, name):
    client = staff_with(permission)
    assert client.get(SEARCH, {"q": text}).headers["Location"] == change_url(rows[name])
    for hidden in ("ada@example.com", "sub_1", "evt_1", change_url(rows["user"])):
        response = client.get(SEARCH, {"q": hidden})
        assert response.status_code == 200
        assert f'href="{change_url(rows["user"])}' not in response.content.decode()


def test_search_is_for_staff_alone(client, ada):
    client.force_login(ada)
    assert client.get(SEARCH, {"q": "ada@example.com"}).headers["Location"].startswith("/admin/login/")


def test_number_of_queries_does_not_depend_on_the_text(root, rows, django_assert_max_num_queries):
    for text in ("ada", "word " * 200, " ".join(f"person{number}@example.com" for number in range(20))):
        with django_assert_max_num_queries(45):
            root.get(SEARCH, {"q": text})
