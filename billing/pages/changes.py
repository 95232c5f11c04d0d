"""The pages on which a person changes, cancels, and resumes their subscription: choose, see what it costs, confirm."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from rest_framework.status import HTTP_303_SEE_OTHER

from accounts.models import User
from billing.errors import BillingError, ChangePending, PreviewOutdated
from billing.pages.change_forms import ChangeForm, ConfirmForm, options_of
from billing.services.changes import requests as changes
from billing.services.changes.rules import own_subscription
from billing.throttling import STRIPE_PAGE_LIMITS
from common.pages import page_view, render_form_page

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Action = Callable[[User], None]
DONE: Mapping[str, "StrOrPromise"] = {
    "change": _("Your plan has been changed."),
    "schedule": _("Your change is scheduled for the end of the period."),
    "cancel": _("Your plan has been canceled. You keep it until the end of the period."),
    "resume": _("You keep your plan."),
}


@non_atomic_requests  # no transaction stays open during the calls to Stripe
@login_required
@page_view(limits=STRIPE_PAGE_LIMITS, methods=["GET", "HEAD"])  # asks Stripe which add-ons are paid
def change(request: HttpRequest) -> HttpResponse:
    """Show the plans. What the person has now is preselected."""
    try:
        subscription = changes.changeable(user=user_of(request))
        add_ons = changes.paid_add_ons(user=user_of(request))
    except BillingError as error:
        return back(request, error)
    has_seats = subscription.plan is not None and subscription.plan.seats is not None
    form = ChangeForm(initial={"quantity": subscription.quantity if has_seats else None, "add_ons": add_ons})
    return render_form_page(
        request, "billing/change.html", form, options=options_of(form, subscription), subscription=subscription
    )


@non_atomic_requests
@login_required
@page_view(limits=STRIPE_PAGE_LIMITS, methods=["POST"])
def make(request: HttpRequest) -> HttpResponse:
    """Make the change that the person has confirmed."""
    form = ChangeForm(request.POST)
    try:
        if not form.is_valid():
            raise PreviewOutdated
        made = changes.change(user=user_of(request), choice=form.choice, token=request.POST.get("token", ""))
    except PreviewOutdated as error:
        return back(request, error, "billing-pages:change")
    except BillingError as error:
        return back(request, error)
    return done(request, str(DONE[made.action]))


@non_atomic_requests
@login_required
@page_view(limits=STRIPE_PAGE_LIMITS, methods=["GET", "HEAD"])  # every request asks Stripe
def confirm(request: HttpRequest) -> HttpResponse:
    """Show what the choice costs now and later. Nothing is changed."""
    form = ChangeForm(request.GET)
    try:
        subscription = changes.changeable(user=user_of(request))
        with form.collect_errors():
            if form.is_valid():
                quote = changes.preview(user=user_of(request), choice=form.choice)
                return render_form_page(
                    request,
                    "billing/change_confirm.html",
                    form,
                    quote=quote,
                    token=quote.token_for(user_of(request)),
                    subscription=subscription,
                )
    except BillingError as error:
        return back(request, error)
    return render_form_page(
        request, "billing/change.html", form, options=options_of(form, subscription), subscription=subscription
    )


@non_atomic_requests
@login_required
@page_view(limits=STRIPE_PAGE_LIMITS)
def cancel(request: HttpRequest) -> HttpResponse:
    return with_confirmation(
        request, "billing/cancel.html", lambda user: changes.cancel(user=user), str(DONE["cancel"])
    )


@non_atomic_requests
@login_required
@page_view(limits=STRIPE_PAGE_LIMITS)
def resume(request: HttpRequest) -> HttpResponse:
    return with_confirmation(
        request, "billing/resume.html", lambda user: changes.resume(user=user), str(DONE["resume"])
    )


def with_confirmation(request: HttpRequest, template: str, action: Action, sentence: str) -> HttpResponse:
    """Show the page that asks for confirmation, and with a POST, do it."""
    try:
        if request.method == "POST":
            action(user_of(request))
            return done(request, sentence)
        subscription = own_subscription(user_of(request))
    except BillingError as error:
        return back(request, error)
    return render_form_page(request, template, ConfirmForm(), subscription=subscription)


def done(request: HttpRequest, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return redirect_to("billing-pages:billing")


def back(request: HttpRequest, error: BillingError, page: str = "billing-pages:billing") -> HttpResponse:
    """Redirect to the page with the reason."""
    level = messages.WARNING if isinstance(error, ChangePending) else messages.ERROR
    messages.add_message(request, level, error.message)
    return redirect_to(page)


def redirect_to(page: str) -> HttpResponse:
    response = redirect(page)
    response.status_code = HTTP_303_SEE_OTHER
    return response


def user_of(request: HttpRequest) -> User:
    return cast(User, request.user)
