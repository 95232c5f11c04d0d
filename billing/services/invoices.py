"""Invoices and receipts at Stripe, whose links expire: each visit asks for fresh ones."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils import timezone

from billing.errors import BillingError, DocumentMissing, DocumentUnavailable, PaymentsNotSetUp, StripeRefused
from billing.gateway.api import StripeApi
from billing.models import Payment
from billing.models.payments import INVOICE_LINK_LIFE

STRIPE_DOMAIN = "stripe.com"
HTTPS_PORT = 443


@dataclass(frozen=True, slots=True)
class Document:
    """Links that work now: ``url`` is a page at Stripe, and ``pdf_url`` its PDF, or empty if there is only a page."""

    url: str
    pdf_url: str = ""

    @property
    def download_url(self) -> str:
        return self.pdf_url or self.url


NO_DOCUMENT = Document("")


def document_of(payment: Payment) -> Document:
    """Return the payment's invoice, or the receipt of a sale without one.

    Raises ``DocumentMissing`` if there is none, and ``DocumentUnavailable`` if Stripe must be asked and can't be.
    """
    if not has_document(payment):
        raise DocumentMissing
    try:
        document = ask(StripeApi(), payment)
    except BillingError as error:
        if stored := stored_link(payment):
            return Document(stored)
        raise refusal(error) from None
    if not document.url:
        raise DocumentMissing
    return document


def has_document(payment: Payment) -> bool:
    """Return whether a link to ``document_of()`` makes sense, without asking Stripe."""
    if payment.is_invoice:
        return bool(settings.STRIPE_SECRET_KEY or stored_link(payment))
    has_charge = bool(payment.charge or payment.payment_intent)
    return payment.is_paid and has_charge and bool(settings.STRIPE_SECRET_KEY)


def ask(api: StripeApi, payment: Payment) -> Document:
    if payment.is_invoice:
        invoice = api.invoice(payment.stripe_id)
        pdf = allowed(invoice.text("invoice_pdf", 2000))
        return Document(allowed(invoice.text("hosted_invoice_url", 2000)) or pdf, pdf)
    charge = api.charge(payment.charge) if payment.charge else api.charge_of_intent(payment.payment_intent)
    return Document(allowed(charge.text("receipt_url", 2000)))


def refusal(error: BillingError) -> BillingError:
    """Return the error for the person: there is no document, or they can try again later."""
    if isinstance(error, StripeRefused) and error.missing:
        return DocumentMissing()
    is_setup = isinstance(error, PaymentsNotSetUp)
    return DocumentUnavailable(retry_after=timedelta(hours=1) if is_setup else error.retry_after)


def stored_link(payment: Payment) -> str:
    """Return the link from the newest event, or an empty string once it has expired."""
    created = min(filter(None, [payment.created_at, payment.paid_at]))
    is_fresh = timezone.now() - created < INVOICE_LINK_LIFE
    return allowed(payment.invoice_url) if is_fresh else ""


def allowed(url: str) -> str:
    """Return the URL if a redirect may lead there, or else an empty string."""
    try:
        parts = urlsplit(url)
        is_allowed = is_of_stripe(parts) or origin(parts) in (*settings.STRIPE_PAGE_ORIGINS, *stand_in())
    except ValueError:
        return ""
    return url if is_allowed else ""


def is_of_stripe(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    is_stripe = host == STRIPE_DOMAIN or host.endswith(f".{STRIPE_DOMAIN}")
    has_user = "@" in parts.netloc
    return parts.scheme == "https" and is_stripe and not has_user and parts.port in (None, HTTPS_PORT)


def origin(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc}"


def stand_in() -> tuple[str, ...]:
    """Return the origin of the server that stands in for Stripe during development, if there is one."""
    parts = urlsplit(settings.STRIPE_API_URL)
    return () if is_of_stripe(parts) else (origin(parts),)
