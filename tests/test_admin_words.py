"""What staff read in the admin: states, dates, and titles in words, and what to do before any field."""

import re

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from billing import states as billing_states
from billing.models import Dispute, Payment, StripeEvent, Subscription
from emails.models import ContactChange, DeliveryAttempt, DeliveryEvent, OutboundEmail, ProviderState, Suppression
from emails.support import states as email_states
from tests.support.every_state import make_every_state, message_states

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
SHOWN = {
    OutboundEmail: [email_states.state_named(*state) for state in message_states()],
    DeliveryAttempt: email_states.OUTCOMES.values(),
    DeliveryEvent: email_states.EVENTS.values(),
    ProviderState: email_states.PROVIDERS.values(),
    Suppression: [*email_states.SUPPRESSIONS.values(), email_states.LIFTED],
    Payment: [
        *billing_states.PAYMENTS.values(),
        billing_states.AWAITS_CONFIRMATION,
        billing_states.DISPUTED,
        billing_states.FRAUD_SUSPECTED,
        billing_states.REFUNDED,
        billing_states.PARTLY_REFUNDED,
    ],
    Subscription: [
        *billing_states.SUBSCRIPTIONS.values(),
        billing_states.ENDING,
        billing_states.COLLECTION_PAUSED,
    ],
    Dispute: [*billing_states.DISPUTES.values(), billing_states.ANSWERED],
    StripeEvent: [*billing_states.EVENTS.values(), billing_states.EVENT_WAITS, billing_states.NO_CHANGE],
}
BADGE = re.compile(r'<span class="badge badge-\w+">([^<]+)</span>')
NOT_OURS = re.compile(r'<pre class="operator-raw">.*?</pre>', re.DOTALL)  # payloads and tracebacks
TAGS = re.compile(r"<[^>]*>")
OTHER_DATES = re.compile(r"\b\d\d? [ap]\.m\.|\b[A-Z][a-z]{2}\. \d\d?, \d{4}|\d{4}-\d\d-\d\d \d\d:\d\d(?!:\d\d UTC)")
JARGON = re.compile(r"\b[Nn]ull\b|outcome_unknown|gave_up|waits_for_first|needs_response|past_due\b(?!\"|=)")


@pytest.fixture
def client(db) -> Client:
    """A superuser with a row in every state that there is."""
    client = Client()
    root = User.objects.create_superuser("root@example.com", "correct horse battery", name="Root")
    client.force_login(root)
    make_every_state()
    return client


def list_of(model) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def rows_of(html: str) -> str:
    return html.partition('<table id="result_list">')[2].partition("</table>")[0]


def test_lists_show_every_state_in_words_of_its_own(client):
    for model, expected in SHOWN.items():
        shown = set(BADGE.findall(rows_of(client.get(list_of(model)).content.decode())))
        assert {str(state.label) for state in expected} <= shown, model


def test_pages_use_one_style_of_dates_and_no_jargon(client):
    for model in MODELS:
        # A user's page has a template of its own, and times in input fields.
        for row in [None, *(model._default_manager.all()[:2] if model is not User else ())]:
            path = list_of(model) + (f"{quote(row.pk)}/change/" if row else "")
            html = client.get(path).content.decode().partition("<main")[2]
            text = TAGS.sub(" ", NOT_OURS.sub("", html))
            assert not OTHER_DATES.search(text), (path, OTHER_DATES.search(text))
            assert not JARGON.search(text), (path, JARGON.search(text))


def test_page_begins_with_state_and_advice(client):
    for model in (*SHOWN, ContactChange):
        row = model._default_manager.all()[0]
        html = client.get(f"{list_of(model)}{quote(row.pk)}/change/").content.decode()
        panel, fields = html.find('class="operator-panel"'), html.find("<fieldset")
        assert 0 < panel < fields, model
        assert BADGE.search(html, panel), model


def test_number_of_queries_does_not_depend_on_rows(client):
    for model in (*SHOWN, ContactChange, User):
        counts = []
        for query in ("", "?p=0&q=nothing-like-this"):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                client.get(list_of(model) + query)
            counts.append(len(queries))
        assert counts[0] <= counts[1] + 4, (model, counts)


def test_empty_list_says_what_will_appear(client):
    OutboundEmail.objects.all().delete()
    assert "No email has been queued yet." in client.get(list_of(OutboundEmail)).content.decode()
    found = client.get(list_of(OutboundEmail), {"q": "ada@example.com"}).content.decode()
    assert "Nothing matches the search and the filters." in found


def test_admin_has_the_brand_in_its_titles(client, settings):
    settings.BRAND_NAME = "Wayfarer & Co"
    for page in (client.get("/admin/"), Client().get("/admin/login/"), client.get(list_of(Payment))):
        html = page.content.decode()
        assert "| Wayfarer &amp; Co</title>" in html
        assert "Django" not in html.partition("<main")[0]


def test_admin_is_in_english_for_everyone(client):
    User.objects.filter(is_superuser=True).update(language="de")
    html = client.get(list_of(OutboundEmail)).content.decode()
    assert '<html lang="en-us"' in html
    assert "Abmelden" not in html
