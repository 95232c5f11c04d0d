"""URLs of pages in Stripe's Dashboard, which has its own pages for test mode."""

from django.conf import settings

from accounts.hooks import PageLink

DASHBOARD = "https://dashboard.stripe.com"
# By the first part of an ID. A checkout session has no page of its own.
PAGES = {
    "cus": "customers",
    "sub": "subscriptions",
    "in": "invoices",
    "pi": "payments",
    "ch": "payments",
    "py": "payments",
    "dp": "disputes",
    "du": "disputes",
    "evt": "events",
}


def stripe_page(*ids: str, is_live: bool | None = None) -> str:
    """Return the page of the first of these objects that has one, or an empty string.

    By default, the objects are in the mode that this installation accepts.
    """
    mode = bool(settings.STRIPE_LIVEMODE) if is_live is None else is_live
    start = DASHBOARD if mode else f"{DASHBOARD}/test"
    return next((f"{start}/{PAGES[kind]}/{name}" for name in ids if (kind := name.partition("_")[0]) in PAGES), "")


def at_stripe(url: str) -> tuple[PageLink, ...]:
    """Return the link to a page at Stripe for a person's page in the admin, if there is one."""
    return (PageLink("Stripe", url, is_external=True),) if url else ()
