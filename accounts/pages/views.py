"""The pages for everybody, and the dashboard: a page parses a form, calls the service that the API calls too, and
answers with html. A GET changes nothing, whatever link it came from: mail scanners open them all.
"""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.i18n import set_language

from accounts import services
from accounts.api import views
from accounts.hooks import dashboard_panels
from accounts.known_devices import remember_device
from accounts.models import User
from accounts.pages.forms import (
    AddressForm,
    ConfirmEmailChangeForm,
    LogInForm,
    ResetPasswordForm,
    SignUpForm,
    TokenForm,
    VerifyEmailForm,
)
from accounts.pages.helpers import INBOX_ADDRESS, next_page, page, posted, show, username
from emails import privacy

RECENT_MAILS = 5


@page(methods=["GET", "HEAD"])
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/home.html")


@page(throttled_as=views.SignupView)
def sign_up(request: HttpRequest) -> HttpResponse:
    form = SignUpForm(posted(request))
    if form.is_valid():
        services.register_user(**form.cleaned_data)
        request.session[INBOX_ADDRESS] = form.cleaned_data["email"]
        return redirect("pages:welcome")
    return show(request, "accounts/signup.html", form)


@page(throttled_as=views.ResendVerificationView)
def welcome(request: HttpRequest) -> HttpResponse:
    """Where a new person is sent to look for the mail, and may ask for it again."""
    form = AddressForm(posted(request), initial={"email": username(request)})
    if form.is_valid():
        services.resend_verification(**form.cleaned_data)
        request.session[INBOX_ADDRESS] = form.cleaned_data["email"]
        messages.success(request, _("If this email address still needs to be confirmed, we've sent it another email."))
        return redirect("pages:welcome")
    return show(request, "accounts/welcome.html", form, address=request.session.get(INBOX_ADDRESS))


@page(throttled_as=views.VerifyEmailView)
def verify_email(request: HttpRequest) -> HttpResponse:
    if request.method != "POST" and "token" not in request.GET:
        return redirect("pages:welcome")
    form = VerifyEmailForm(posted(request), initial=request.GET.dict())
    with form.refusals():
        if form.is_valid():
            user = services.verify_email_in_browser(request=request, **form.cleaned_data)
            messages.success(request, _("Your email address is confirmed. Welcome!"))
            return logged_in(request, user, settings.LOGIN_REDIRECT_URL)
    return show(request, "accounts/verify_email.html", form)


@page(throttled_as=views.LoginView)
def log_in(request: HttpRequest) -> HttpResponse:
    target = next_page(request)
    if request.user.is_authenticated:
        return redirect(target)
    form = LogInForm(posted(request))
    with form.refusals():
        if form.is_valid():
            user = services.log_in_browser(request=request, **form.cleaned_data)
            return logged_in(request, user, target)
    if is_unconfirmed := form.has_error("__all__", "email_not_verified"):
        request.session[INBOX_ADDRESS] = form.cleaned_data["email"]
    return show(request, "accounts/login.html", form, next=target, is_unconfirmed=is_unconfirmed)


def logged_in(request: HttpRequest, user: User, target: str) -> HttpResponse:
    request.session.pop(INBOX_ADDRESS, None)
    answer = redirect(target)
    remember_device(answer, request, user)
    return answer


@page(methods=["POST"])
def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@page(throttled_as=views.PasswordResetView)
def forgot_password(request: HttpRequest) -> HttpResponse:
    form = AddressForm(posted(request))
    if form.is_valid():
        services.request_password_reset(**form.cleaned_data)
        request.session[INBOX_ADDRESS] = form.cleaned_data["email"]
        return redirect("pages:reset-sent")
    return show(request, "accounts/forgot_password.html", form)


@page()
def reset_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/reset_sent.html", {"address": request.session.get(INBOX_ADDRESS)})


@page(throttled_as=views.ConfirmPasswordResetView)
def reset_password(request: HttpRequest) -> HttpResponse:
    if request.method != "POST" and "token" not in request.GET:
        return redirect("pages:forgot-password")
    form = ResetPasswordForm(posted(request), initial=request.GET.dict())
    with form.refusals():
        if form.is_valid():
            user = services.reset_password(**form.cleaned_data)
            answer = logged_out(request, _("Your new password is set. You can now log in with it."))
            remember_device(answer, request, user)
            return answer
    return show(request, "accounts/reset_password.html", form)


@page(throttled_as=views.ConfirmEmailChangeView)
def confirm_email_change(request: HttpRequest) -> HttpResponse:
    form = ConfirmEmailChangeForm(posted(request), initial=request.GET.dict())
    with form.refusals():
        if form.is_valid():
            services.confirm_email_change(**form.cleaned_data)
            messages.success(request, _("Your new email address is confirmed. From now on, use it to log in."))
            return redirect(settings.LOGIN_REDIRECT_URL)
    return show(request, "accounts/confirm_email_change.html", form)


@page(throttled_as=views.UndoEmailChangeView)
def undo_email_change(request: HttpRequest) -> HttpResponse:
    form = TokenForm(posted(request), initial=request.GET.dict())
    with form.refusals():
        if form.is_valid():
            user = services.undo_email_change(**form.cleaned_data)
            request.session.flush()
            request.session[INBOX_ADDRESS] = user.email
            messages.success(request, _("Your old email address is restored, and all devices have been logged out."))
            return redirect("pages:reset-sent")
    return show(request, "accounts/undo_email_change.html", form)


def logged_out(request: HttpRequest, sentence: str) -> HttpResponse:
    """After what ended all sessions, this one included."""
    request.session.flush()
    messages.success(request, sentence)
    return redirect(settings.LOGIN_URL)


@page(methods=["POST"])
def choose_language(request: HttpRequest) -> HttpResponse:
    """Kept in a cookie, and in the profile of a person who is logged in."""
    language = request.POST.get("language")
    if isinstance(request.user, User) and language in dict(settings.LANGUAGES):
        services.update_profile(user=request.user, language=language)
    return set_language(request)


@login_required
@page()
def dashboard(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    panels = [html for panel in dashboard_panels if (html := panel(request))]
    mails = privacy.mail_of(str(user.pk))[:RECENT_MAILS]
    return render(request, "accounts/dashboard.html", {"panels": panels, "mails": mails})
