"""The pages of accounts: a page parses a form, calls the service that the API calls too, and answers with html.

A GET changes nothing, whatever link it came from: mail scanners open them all.
"""

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe
from django.views.i18n import set_language

from accounts import services, views
from accounts.answering import next_page, page, posted, show
from accounts.forms import LogInForm, SignUpForm, VerifyEmailForm
from accounts.registries import dashboard_panels

INBOX_ADDRESS = "inbox_address"  # in the session: where the mail went that the person is to look for


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/home.html")


@page(throttled_as=views.SignupView)
def sign_up(request: HttpRequest) -> HttpResponse:
    form = SignUpForm(posted(request))
    if form.is_valid():
        services.register_user(**form.cleaned_data)
        request.session[INBOX_ADDRESS] = form.cleaned_data["email"]
        return redirect("pages:verify-email")
    return show(request, "accounts/signup.html", form)


@page(throttled_as=views.VerifyEmailView)
def verify_email(request: HttpRequest) -> HttpResponse:
    """The form that confirms an address, with the token of the mail's link; without one, where to find that link."""
    if request.method != "POST" and "token" not in request.GET:
        return render(request, "accounts/inbox.html", {"address": request.session.get(INBOX_ADDRESS)})
    form = VerifyEmailForm(posted(request), initial=request.GET.dict())
    with form.refusals():
        if form.is_valid():
            services.verify_email_in_browser(request=request, **form.cleaned_data)
            return redirect(settings.LOGIN_REDIRECT_URL)
    return show(request, "accounts/verify_email.html", form)


@page(throttled_as=views.LoginView)
def log_in(request: HttpRequest) -> HttpResponse:
    target = next_page(request)
    if request.user.is_authenticated:
        return redirect(target)
    form = LogInForm(posted(request))
    with form.refusals():
        if form.is_valid():
            services.log_in_browser(request=request, **form.cleaned_data)
            return redirect(target)
    return show(request, "accounts/login.html", form, next=target)


@page(methods=["POST"])
def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@page(methods=["POST"])
def choose_language(request: HttpRequest) -> HttpResponse:
    return set_language(request)


@page()
@login_required
def dashboard(request: HttpRequest) -> HttpResponse:
    panels = [html for panel in dashboard_panels if (html := panel(request))]
    return render(request, "accounts/dashboard.html", {"panels": panels})
