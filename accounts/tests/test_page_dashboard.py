"""What a new person sees first."""

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


def mail_to(user: User, subject: str, status: str = Status.SENT) -> None:
    OutboundEmail.objects.create(
        recipients=user.email, subject=subject, status=status, content=None, metadata={"user_id": str(user.pk)}
    )


def test_the_address_is_confirmed_or_not(browser, settings, client):
    assert "ada@example.com Confirmed" in text_of(browser.get("/dashboard"))
    settings.ACCOUNTS_EMAIL_VERIFICATION = "optional"
    User.objects.update(email_verified_at=None)
    shown = browser.get("/dashboard")
    assert "ada@example.com Not confirmed Send the email again" in text_of(shown)


def test_the_last_mails_are_shown_with_their_states(browser, ada):
    mail_to(ada, "Welcome to Acme", Status.DELIVERED)
    mail_to(ada, "Your <receipt>", Status.QUEUED)
    shown = text_of(browser.get("/dashboard"))
    assert "Your <receipt> now On its way" in shown
    assert "Welcome to Acme" in shown


def test_nobody_sees_the_mail_of_others(browser):
    mail_to(User.objects.create_user("bob@example.com", PASSWORD), "For Bob only")
    assert "For Bob only" not in text_of(browser.get("/dashboard"))


def test_every_state_has_its_words():
    assert set(EMAIL_BADGES) == {status.value for status in Status}


def test_other_apps_add_panels_and_links(browser, monkeypatch):
    panels = [lambda request: mark_safe("<b>Plan</b>"), lambda request: ""]
    monkeypatch.setattr("accounts.pages.views.dashboard_panels", panels)
    links = [NavigationLink("pages:home", "Billing & more")]
    monkeypatch.setattr("accounts.templatetags.pages.navigation_links", links)
    shown = browser.get("/dashboard").content.decode()
    assert "<b>Plan</b>" in shown
    assert ">Billing &amp; more</a>" in shown


def test_what_is_no_html_is_escaped(browser, monkeypatch):
    monkeypatch.setattr("accounts.pages.views.dashboard_panels", [lambda request: "<script>"])
    assert "<script>" not in browser.get("/dashboard").content.decode()


def test_a_name_is_no_html(browser):
    User.objects.update(name="<b>Ada")
    assert "Hello, &lt;b&gt;Ada" in browser.get("/dashboard").content.decode()


def test_it_costs_few_queries(browser, ada, django_assert_max_num_queries):
    for number in range(9):
        mail_to(ada, f"Mail {number}")
    with django_assert_max_num_queries(4):
        browser.get("/dashboard")
