"""At 3 a.m.: did this customer get the receipt? If not, why not, and what now?

The answer is one search and at most two clicks away from the home page. Every step uses a form or a link of the HTML.
"""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone

from billing.models import Customer, Payment
from common.admin import change_url
from emails.backends.outbox import row_from
from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail, ProviderState, Suppression

MAX_CLICKS = 2
MINUTE = timedelta(minutes=1)


def delivered(email: OutboundEmail) -> None:
    update(email, status="delivered", provider_message_id="re_1")


def bounced(email: OutboundEmail) -> None:
    update(email, status="bounced", detail="550 5.1.1 The account does not exist.")
    DeliveryEvent.objects.create(
        provider="resend", fingerprint="1", email=email, type="bounced", severity="hard", occurred_at=timezone.now()
    )


def failed(email: OutboundEmail) -> None:
    update(email, status="failed", reason="refused", detail="422 The `from` field is invalid.", sent_at=None)


def suppressed(email: OutboundEmail) -> None:
    update(email, status="suppressed", sent_at=None)
    Suppression.objects.create(address=email.recipients, cause="hard_bounce")


def waiting(email: OutboundEmail) -> None:
    update(email, status="queued", sent_at=None, settled_at=None, provider="", due_at=timezone.now() - MINUTE)
    ProviderState.objects.create(
        name="resend",
        reason="configuration",
        detail="RESEND_API_KEY is not valid.",
        paused_until=timezone.now() + MINUTE,
    )


def unknown(email: OutboundEmail) -> None:
    update(email, status="failed", reason="outcome_unknown", sent_at=None)


def in_progress(email: OutboundEmail) -> None:
    update(email, status="sending", reason="unknown", sent_at=None, settled_at=None)
    attempt = DeliveryAttempt.objects.create(
        provider="resend", outcome="unknown", due_at=timezone.now() + MINUTE, message_count=1, detail="Timed out."
    )
    attempt.emails.add(email, through_defaults={"position": 0})


def update(email: OutboundEmail, **values: Any) -> None:
    now = timezone.now() - MINUTE
    defaults = {"due_at": None, "provider": "resend", "sent_at": now, "settled_at": now}
    OutboundEmail.objects.filter(pk=email.pk).update(**{**defaults, **values})
    email.refresh_from_db()


# What the page says happened, and what to do. After a delivery, there is nothing to do.
ANSWERS = {
    delivered: ["The receiving server accepted it."],
    bounced: ["The receiving server rejected it.", "The account does not exist", "Have the person check the email"],
    failed: ["The provider rejected it permanently.", "field is invalid", "Fix what the error names, then retry."],
    suppressed: ["every recipient is on the suppression list", "remove its suppression, then retry"],
    waiting: ["Waiting for a person", "RESEND_API_KEY is not valid", "Fix RESEND_API_KEY and restart every process."],
    unknown: ["find out whether it arrived", "Ask the person, or check the provider's log."],
    in_progress: ["It's unknown whether resend accepted it.", "The same call will be repeated"],
}


@pytest.fixture
def receipt(ada, settings) -> OutboundEmail:
    settings.EMAIL_PROVIDER, settings.EMAIL_DELIVERY_BACKEND = "resend", ""
    settings.RESEND_API_KEY = ""
    customer = Customer.objects.create(pk="cus_1", user=ada, email=ada.email)
    Payment.objects.create(stripe_id="in_1", customer=customer, user=ada, amount=2900, currency="usd", status="paid")
    OutboundEmail.objects.create(kind="welcome", recipients=ada.email, metadata={"user_id": str(ada.pk)}, due_at=None)
    return OutboundEmail.objects.create(
        kind="receipt",
        subject="Your receipt from Acme",
        recipients=ada.email,
        idempotency_key="receipt:in_1",
        metadata={"user_id": str(ada.pk)},
        content=row_from(EmailMessage("Your receipt from Acme", "Thank you.", to=[ada.email])).content,
    )


def search_from_home(client: Client, text: str) -> Any:
    """Fill in the search form of the home page, and return the page that it leads to."""
    html = client.get("/admin/").content.decode()
    forms = re.findall(
        r'<form[^>]*action="([^"]+)" method="get" role="search">\s*<input type="search" name="(\w+)"', html
    )
    [(action, field)] = forms
    return client.get(f"{action}?{urlencode({field: text})}", follow=True)


def links_of(response: Any) -> list[str]:
    return [unescape(link) for link in re.findall(r'<a\b[^>]*href="(/admin/[^"]+)"', response.content.decode())]


def clicks_to(client: Client, response: Any, target: str) -> Any:
    """Return the page of the target, by the shortest way along links that name an email or list emails."""
    for _ in range(MAX_CLICKS):
        if target in [link.partition("?")[0] for link in links_of(response)]:
            return client.get(target)
        lists = [link for link in links_of(response) if link.startswith("/admin/emails/outboundemail/?q=")]
        assert lists, "no link leads on"
        response = client.get(lists[0])
    raise AssertionError("more than two clicks")


TEXTS = ["Ada Lovelace <Ada@Example.com>", "receipt:in_1", "in_1", "cus_1"]
SEARCHES = [(state, "ada@example.com") for state in ANSWERS] + [(bounced, text) for text in TEXTS]


@pytest.mark.parametrize(("state", "text"), SEARCHES, ids=lambda value: getattr(value, "__name__", value))
def test_search_and_two_clicks_answer_the_question(root, receipt, state, text):
    state(receipt)
    response = search_from_home(root, text)
    page = change_url(receipt)
    if response.request["PATH_INFO"] != page:
        response = clicks_to(root, response, page)
    answer = unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", response.content.decode())))
    assert [part for part in ANSWERS[state] if part not in answer] == []


@pytest.mark.parametrize("state", [bounced, failed, suppressed, unknown], ids=lambda state: state.__name__)
def test_page_of_the_message_offers_what_helps(root, receipt, state):
    state(receipt)
    response = root.get(change_url(receipt))
    assert f"{change_url(receipt).removesuffix('change/')}operate/" in response.content.decode()
