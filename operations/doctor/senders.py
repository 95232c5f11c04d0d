"""The sender of all emails, the address for questions, and what recipients see of the company."""

import re
from collections.abc import Iterator
from email.utils import parseaddr

from django.conf import settings

from operations.doctor.checks import Check, Trouble, error, serious, warning
from operations.doctor.free_providers import DOMAINS
from operations.doctor.hosts import is_local, is_reserved, site_of
from operations.doctor.site import host_of

TEST_SENDERS = frozenset({"resend.dev"})  # Resend delivers from it only to the owner of the account
TEMPLATE_NAME = "my" + "project"  # in two parts, so that bin/rename leaves it alone
NO_REPLY = re.compile(r"(no|do-?not)[-_.]?reply", re.IGNORECASE)


def domain_of(sender: str) -> str:
    return parseaddr(sender)[1].rpartition("@")[2].lower()


def sender() -> Iterator[Trouble]:
    """Check that a provider can send from the domain of DEFAULT_FROM_EMAIL."""
    domain = domain_of(settings.DEFAULT_FROM_EMAIL)
    advice = "Set DEFAULT_FROM_EMAIL to an email address at a domain of yours that your provider has verified."
    if domain in DOMAINS:
        yield serious(f"{domain} is a free email provider, so emails from it fail DMARC and go to spam.", advice)
    elif domain in TEST_SENDERS:
        yield serious(f"{domain} is for tests: the provider delivers only to your own email address.", advice)
    elif settings.IS_PRODUCTION and ("." not in domain or is_local(domain)):
        yield error(f"{domain or 'Its domain'} is not a domain on the internet, so emails are refused.", advice)
    elif settings.IS_PRODUCTION and is_reserved(domain):
        yield warning(f"{domain} is a name for documentation, which nobody can own.", advice)


def sender_domain() -> Iterator[Trouble]:
    """Compare the domain of the sender with the domain of the links."""
    domain, host = domain_of(settings.DEFAULT_FROM_EMAIL), host_of(settings.APP_URL)
    if settings.IS_PRODUCTION and "." in host and domain not in DOMAINS and site_of(domain) != site_of(host):
        yield warning(
            f"Emails come from {domain}, but their links lead to {host}, which spam filters take for phishing.",
            f"Send from {site_of(host)} or a subdomain of it, or serve the site there.",
        )


def support() -> Iterator[Trouble]:
    address = settings.SUPPORT_EMAIL
    if settings.IS_PRODUCTION and NO_REPLY.match(address):
        yield warning(
            f"Customers are asked to write to {address}, but nobody reads an email address like that.",
            "Set SUPPORT_EMAIL to a mailbox that you read.",
        )


def postal_address() -> Iterator[Trouble]:
    if settings.IS_PRODUCTION and not settings.BRAND_ADDRESS:
        yield warning(
            "It is not set, so emails and receipts lack the postal address that many countries require.",
            "Set BRAND_ADDRESS to the street and city of the company.",
        )


def brand_name() -> Iterator[Trouble]:
    if settings.IS_PRODUCTION and settings.BRAND_NAME == TEMPLATE_NAME:
        yield warning(f"It is not set, so emails and pages call the product {TEMPLATE_NAME}.", "Set BRAND_NAME.")


def logo() -> Iterator[Trouble]:
    if settings.IS_PRODUCTION and settings.BRAND_LOGO_URL.startswith("http://"):
        yield serious(
            "It begins with http://, which pages on https:// don't show.", "Serve the logo on https://, and update it."
        )
    elif settings.BRAND_LOGO_URL and not settings.BRAND_LOGO_URL.startswith(("https://", "http://")):
        yield serious("It is not a URL, so emails show a broken picture.", "Set it to a URL on https://, or unset it.")


CHECKS = (
    Check("email.sender", "DEFAULT_FROM_EMAIL", sender),
    Check("email.sender_domain", "DEFAULT_FROM_EMAIL", sender_domain),
    Check("email.support", "SUPPORT_EMAIL", support),
    Check("brand.address", "BRAND_ADDRESS", postal_address),
    Check("brand.name", "BRAND_NAME", brand_name),
    Check("brand.logo", "BRAND_LOGO_URL", logo),
)
