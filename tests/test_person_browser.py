"""A person's page in the admin, the email that staff write there, and the emails that the person reads, in Chromium."""

from collections.abc import Iterator
from contextlib import closing
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.support.site import CHROMIUM, Site

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium")

PERSON, STAFF, PASSWORD = "grace.hopper@example.com", "support.desk@example.com", "correct horse battery"
WIDTHS = (360, 1280)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
COLORS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
ROWS = f"""
from django.utils import timezone
from accounts.mail import send_password_changed_email, send_password_reset_email
from accounts.models import Login, User
from billing.models import Customer, Dispute, Payment, Subscription, SubscriptionChange
from emails.models import OutboundEmail, Reason, Status, Suppression
now = timezone.now()
User.objects.create_superuser({STAFF!r}, {PASSWORD!r})
person = User.objects.create_user({PERSON!r}, {PASSWORD!r}, name="Grace Hopper", email_verified_at=now)
send_password_reset_email(person)
for status in Status:
    send_password_changed_email(person, now)
    newest = OutboundEmail.objects.order_by("-created_at").values("pk")[:1]
    reason = Reason.REFUSED if status == "failed" else ""
    OutboundEmail.objects.filter(pk__in=[*newest.values_list("pk", flat=True)]).update(
        status=status, reason=reason, provider="resend", sent_at=now, settled_at=now, detail="550 5.1.1 unknown")
customer = Customer.objects.create(pk="cus_grace", user=person)
for number, status in enumerate(["paid", "failed", "canceled", "uncollectible"]):
    payment = Payment.objects.create(stripe_id=f"in_grace_{{number}}", customer=customer, subscription_id="sub_grace",
        amount=2900, currency="usd", status=status, charge=f"ch_grace_{{number}}", number=f"8E3F2A91-000{{number}}")
    if status == "failed":
        Subscription.objects.create(pk="sub_grace", customer=customer, status="past_due", unpaid_since=now,
            version=f"{{int(now.timestamp())}}.x", open_payment=payment, latest_invoice=payment.stripe_id)
Dispute.objects.create(pk="du_grace", charge="ch_grace_0", status="needs_response", amount=2900, currency="usd",
    opened_at=now, payment=Payment.objects.get(stripe_id="in_grace_0"))
Login.objects.create(user=person, client_address="203.0.113.7", user_agent="Mozilla/5.0 (X11; Linux) Firefox/130.0")
print(person.pk)
"""


@pytest.fixture(scope="module")
def people(site: Site) -> Site:
    site.manage("shell", "-v", "0", "-c", ROWS)
    return site


def log_in(people: Site, browser: Browser, path: str, field: str, address: str) -> StorageState:
    with closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(f"{people.url}{path}")
        page.fill(f"[name={field}]", address)
        page.fill("[name=password]", PASSWORD)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        return context.storage_state()


@pytest.fixture(scope="module")
def sessions(people: Site, browser: Browser) -> dict[str, StorageState]:
    """Log both in once, and return their cookies by their address."""
    return {
        STAFF: log_in(people, browser, "/admin/login/", "username", STAFF),
        PERSON: log_in(people, browser, "/login", "email", PERSON),
    }


@pytest.fixture(params=["with scripts", "without scripts"])
def staff_page(request, browser: Browser, people: Site, sessions: dict[str, StorageState]) -> Iterator[Page]:
    has_scripts = request.param == "with scripts"
    with closing(browser.new_context(storage_state=sessions[STAFF], java_script_enabled=has_scripts)) as context:
        page = context.new_page()
        page.goto(f"{people.url}/admin/accounts/user/?q={PERSON}")
        page.locator("#result_list tbody a").first.click()
        yield page


@pytest.fixture
def persons_page(browser: Browser, people: Site, sessions: dict[str, StorageState]) -> Iterator[Page]:
    with closing(browser.new_context(storage_state=sessions[PERSON])) as context:
        page = context.new_page()
        page.goto(f"{people.url}/dashboard")
        yield page


def check(page: Page, scope: str) -> None:
    """Check that the page fits, and what is inside the element with axe: everything in light, and colors in dark."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for scheme in SCHEMES:
            options = COLORS if scheme == "dark" else None
            page.emulate_media(color_scheme=scheme)
            page.evaluate("() => Promise.all(document.getAnimations().map((one) => one.finished))")  # fading colors
            results = Axe().run(page, context=scope, options=options)
            assert results.violations_count == 0, f"{width}, {scheme}: {results.generate_report()}"


def test_staff_see_everything_and_write_an_email(people, staff_page, request):
    has_scripts = "with scripts" in request.node.callspec.params.values()
    page, timeline = staff_page, staff_page.locator("#timeline")
    expect(page.locator("h1", has_text="Grace Hopper")).to_be_visible()
    expect(timeline.get_by_role("button", name="Retry now").first).to_be_visible()
    expect(page.locator("#id_name"), "the form is closed").to_be_hidden()
    if has_scripts:
        check(page, "#content")
    timeline.get_by_role("link", name="Money", exact=True).click()
    expect(timeline.locator("[aria-current]", has_text="Money")).to_be_visible()
    expect(timeline.locator(".badge-bad", has_text="Disputed")).to_be_visible()
    assert timeline.get_by_role("link", name="Stripe").first.get_attribute("href").startswith("https://dashboard.")
    page.locator(".person-form > summary").click()
    expect(page.locator("#id_name")).to_be_visible()
    for name in ("Devices", "Write an email"):
        page.locator(".person-actions").get_by_role("link", name=name).click()
        expect(page.locator("h1", has_text=name)).to_be_visible()
        if has_scripts:
            check(page, "#content")
        if name == "Devices":
            page.go_back()
    page.fill("[name=subject]", f"Your question, {'scripts' if has_scripts else 'none'}")
    page.fill("[name=text]", "Thank you for asking.\n\nSee https://example.com/ for <b>more</b>.")
    page.locator(".person-compose button").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("for <b>more</b>")).to_be_visible()
    expect(frame.get_by_role("link", name="https://example.com/")).to_have_attribute("href", "https://example.com/")
    if has_scripts:
        check(page, "#content")
    page.get_by_role("button", name=f"Send to {PERSON}").click()
    expect(page.locator(".messagelist", has_text="The email was sent.")).to_be_visible()
    expect(timeline.get_by_role("link", name="Sent “Your question").first).to_be_visible()


def test_person_reads_their_emails(people, persons_page, browser, sessions):
    page = persons_page
    page.get_by_role("link", name="All emails").click()
    expect(page.locator("h1", has_text="Emails")).to_be_visible()
    check(page, "body")
    page.get_by_role("link", name="Your password for Acme was changed").first.click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Your password was changed")).to_be_visible()
    check(page, "main")
    with page.expect_popup() as popup:
        frame.get_by_role("link", name="Reset my password").click()
    popup.value.wait_for_url("**/forgot-password")
    page.go_back()
    page.locator("td a", has_text="Reset your password").first.click()
    expect(page.locator("main")).to_contain_text("isn't shown here")
    assert "?token=" not in page.content()
    check(page, "main")


def test_person_reads_their_emails_without_scripts_and_in_german(people, browser, sessions):
    with closing(
        browser.new_context(
            storage_state=sessions[PERSON], java_script_enabled=False, viewport={"width": 360, "height": 800}
        )
    ) as context:
        page = context.new_page()
        page.goto(f"{people.url}/emails")
        page.get_by_role("button", name="Deutsch").click()
        expect(page.locator("h1", has_text="E-Mails")).to_be_visible()
        page.locator("td a", has_text="Your password for Acme was changed").first.click()
        page.locator("main summary").click()
        expect(page.locator(".email-text")).to_contain_text("The password for your account")
        expect(page.locator("h2", has_text="Inhalt der E-Mail")).to_be_visible()
