"""The dashboard, which is the first page after login."""

import pytest
from django.test import Client
from django.utils.safestring import mark_safe

from accounts.hooks import NavigationLink
from accounts.models import User
from accounts.pages.display import EMAIL_BADGES
from accounts.tests.support.browser import log_in, text_of
from accounts.tests.support.users import PASSWORD
from emails.models import OutboundEmail, Status


@pytest.fixture
def browser(ada) -> Client:
    browser = Client()
    log_in(browser)
    return browser


def store_email_to(user: User, subject: str, status: str = Status.SENT) -> None:
    OutboundEmail.objects.create(
        recipients=user.email, subject=subject, status=status, content=None, metadata={"user_id": str(user.pk)}
    )


def test_dashboard_shows_whether_the_address_is_confirmed(browser, settings, client):
    assert "ada@example.com Confirmed" in text_of(browser.get("/dashboard"))
    settings.ACCOUNTS_EMAIL_VERIFICATION = "optional"
    User.objects.update(email_verified_at=None)
    shown = browser.get("/dashboard")
    assert "ada@example.com Not confirmed Send the email again" in text_of(shown)


def test_dashboard_shows_recent_emails_with_status(browser, ada):
    store_email_to(ada, "Welcome to Acme", Status.DELIVERED)
    store_email_to(ada, "Your <receipt>", Status.QUEUED)
    shown = text_of(browser.get("/dashboard"))
    assert "Your <receipt> now On its way" in shown
    assert "Welcome to Acme" in shown


def test_dashboard_hides_email_of_others(browser):
    store_email_to(User.objects.create_user("bob@example.com", PASSWORD), "For Bob only")
    assert "For Bob only" not in text_of(browser.get("/dashboard"))


def test_every_status_has_a_label():
    assert set(EMAIL_BADGES) == {status.value for status in Status}


def test_other_apps_can_add_panels_and_links(browser, monkeypatch):
    panels = [lambda request: mark_safe("<b>Plan</b>"), lambda request: ""]
    monkeypatch.setattr("accounts.pages.views.dashboard_panels", panels)
    links = [NavigationLink("pages:home", "Billing & more")]
    monkeypatch.setattr("accounts.templatetags.pages.navigation_links", links)
    shown = browser.get("/dashboard").content.decode()
    assert "<b>Plan</b>" in shown
    assert ">Billing &amp; more</a>" in shown


def test_unsafe_panel_html_is_escaped(browser, monkeypatch):
    monkeypatch.setattr("accounts.pages.views.dashboard_panels", [lambda request: "<script>"])
    assert "<script>" not in browser.get("/dashboard").content.decode()


def test_user_name_is_escaped(browser):
    User.objects.update(name="<b>Ada")
    assert "Hello, &lt;b&gt;Ada" in browser.get("/dashboard").content.decode()


def test_dashboard_costs_few_queries(browser, ada, django_assert_max_num_queries):
    for number in range(9):
        store_email_to(ada, f"Mail {number}")
    with django_assert_max_num_queries(4):
        browser.get("/dashboard")
