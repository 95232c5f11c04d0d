"""The page /billing: subscription, plans, and payments, and the two buttons that lead to Stripe's own pages."""

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
from billing.plans import all_plans
from billing.services.checkouts import open_portal, start_checkout
from billing.services.invoices import Document, document_of
from billing.services.stripe_customers import known_customer
from billing.throttling import STRIPE_PAGE_LIMITS
from common.pages import page_view

PAYMENTS_ON_A_PAGE = 20


@login_required
@csp_update({"form-action": settings.STRIPE_PAGE_ORIGINS})
@page_view(methods=["GET", "HEAD"])
def billing(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    subscription = Subscription.objects.current_of(user.pk)
    context = {
        "subscription": subscription,
        "others": Subscription.objects.others_of(user.pk, subscription),
        "plans": [] if Subscription.objects.of(user.pk).live().exists() else [p for p in all_plans() if not p.is_free],
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
    plan = request.POST.get("plan", "")
    return redirect_to_stripe(request, lambda user: start_checkout(user=user, plan=plan))


@non_atomic_requests
@login_required
@page_view(limits=STRIPE_PAGE_LIMITS, methods=["POST"])
def portal(request: HttpRequest) -> HttpResponse:
    return redirect_to_stripe(request, lambda user: open_portal(user=user))


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
        response = redirect("billing-pages:billing")
    else:
        response = HttpResponseRedirect(url)
    response.status_code = HTTP_303_SEE_OTHER
    return response
