"""The pages /pricing and /billing: plans, subscription, and payments, and the buttons that lead to Stripe's pages."""

from collections.abc import Callable
from math import ceil
from typing import cast

from csp.decorators import csp_update
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.transaction import non_atomic_requests
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from rest_framework.status import HTTP_303_SEE_OTHER

from accounts.models import User
from billing.errors import BillingError, DocumentMissing, DocumentUnavailable
from billing.models import Payment, Subscription
from billing.pages.cards import has_live_subscription, shelf_for
from billing.pages.checkout_form import CheckoutForm
from billing.plans import free_plan
from billing.services.checkouts import start_checkout
from billing.services.dues import payment_page
from billing.services.invoices import Document, document_of
from billing.services.portals import PortalFlow, open_portal
from billing.services.stripe_customers import known_customer
from billing.throttling import STRIPE_PAGE_LIMITS
from common.pages import page_view

PAYMENTS_ON_A_PAGE = 20


@csp_update({"form-action": settings.STRIPE_PAGE_ORIGINS})
@page_view(methods=["GET", "HEAD"])
def pricing(request: HttpRequest) -> HttpResponse:
    shelf, is_subscribed = shelf_for(request.user, request.GET), has_live_subscription(request.user)
    context = {"shelf": shelf, "is_subscribed": is_subscribed}
    return render(request, "billing/pricing.html", context)


@login_required
@csp_update({"form-action": settings.STRIPE_PAGE_ORIGINS})
@page_view(methods=["GET", "HEAD"])
def billing(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    subscription = Subscription.objects.current_of(user.pk)
    context = {
        "subscription": subscription,
        "others": Subscription.objects.others_of(user.pk, subscription),
        "shelf": shelf_for(user, request.GET),
        "is_subscribed": has_live_subscription(user),
        "free_plan": free_plan(),
        "has_portal": bool(known_customer(user)),
        "payments": payments_of(user, request.GET.get("page", "1")),
        "returned": request.GET.get("checkout", ""),
    }
    return render(request, "billing/billing.html", context)


def payments_of(user: User, number: str) -> object:
    return Paginator(Payment.objects.of(user.pk).shown().with_refunds(), PAYMENTS_ON_A_PAGE).get_page(number)


@non_atomic_requests  # no transaction stays open during the calls to Stripe
@login_required
@page_view(limits=STRIPE_PAGE_LIMITS, methods=["POST"])
def checkout(request: HttpRequest) -> HttpResponse:
    form = CheckoutForm(request.POST)
    if form.is_valid():
        return redirect_to_stripe(request, lambda user: start_checkout(user=user, **form.cleaned_data))
    for errors in form.errors.values():
        messages.error(request, " ".join(map(str, errors)))
    return see_other("billing-pages:billing")


@non_atomic_requests
@login_required
@page_view(limits=STRIPE_PAGE_LIMITS, methods=["POST"])
def portal(request: HttpRequest) -> HttpResponse:
    flow = request.POST.get("flow", "")
    chosen = PortalFlow(flow) if flow in [*PortalFlow] else None
    return redirect_to_stripe(request, lambda user: open_portal(user=user, flow=chosen))


@non_atomic_requests
@login_required
@page_view(limits=STRIPE_PAGE_LIMITS, methods=["GET", "HEAD"])
def pay(request: HttpRequest) -> HttpResponse:
    """Redirect to the unpaid invoice. It is a link, because for a form, every page would need Stripe in its CSP."""
    invoice = request.GET.get("invoice", "")
    return redirect_to_stripe(request, lambda user: payment_page(user=user, invoice=invoice))


@non_atomic_requests
@login_required
@page_view(limits=STRIPE_PAGE_LIMITS, methods=["GET", "HEAD"])
def invoice(request: HttpRequest, pk: str) -> HttpResponse:
    """Redirect to the invoice's page at Stripe, where an open invoice can be paid."""
    return redirect_to_document(request, pk, lambda document: document.url)


@non_atomic_requests
@login_required
@page_view(limits=STRIPE_PAGE_LIMITS, methods=["GET", "HEAD"])
def invoice_pdf(request: HttpRequest, pk: str) -> HttpResponse:
    """Redirect to the invoice's PDF, or to the receipt's page."""
    return redirect_to_document(request, pk, lambda document: document.download_url)


def redirect_to_document(request: HttpRequest, pk: str, choose: Callable[[Document], str]) -> HttpResponse:
    """Redirect to a fresh link, or return the page that says when to try again. Raises ``Http404``."""
    payment = get_object_or_404(Payment.objects.of(cast(User, request.user).pk).shown(), pk=pk)
    try:
        url = choose(document_of(payment))
    except DocumentMissing as error:
        raise Http404(error.message) from None
    except DocumentUnavailable as error:
        return unavailable(request, error)
    response = HttpResponseRedirect(url)
    response.status_code = HTTP_303_SEE_OTHER
    return response


def unavailable(request: HttpRequest, error: DocumentUnavailable) -> HttpResponse:
    response = render(request, "billing/unavailable.html", {"message": error.message}, status=503)
    response["Retry-After"] = str(ceil(error.wait.total_seconds()))
    return response


def redirect_to_stripe(request: HttpRequest, get_url: Callable[[User], str]) -> HttpResponse:
    """Redirect to Stripe's page, or back to /billing with a message that says why that isn't possible."""
    try:
        url = get_url(cast(User, request.user))
    except BillingError as error:
        messages.error(request, error.message)
        return see_other("billing-pages:billing")
    return see_other(url)


def see_other(target: str) -> HttpResponse:
    """Redirect to a page or URL, which the browser requests with GET."""
    response = redirect(target)
    response.status_code = HTTP_303_SEE_OTHER
    return response
