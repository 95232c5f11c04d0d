"""The public pages and the dashboard. A page parses a form and calls the same service as the API.

A GET request changes nothing, because email scanners open every link.
"""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.i18n import set_language

from accounts import login, services, throttling, tokens
from accounts.challenge import require_challenge
from accounts.device_cookies import set_device_cookie
from accounts.hooks import dashboard_panels
from accounts.models import User
from accounts.pages.context import (
    LinkPage,
    forget_inbox,
    forget_next_page,
    inbox_address,
    next_page,
    remember_inbox,
    remember_next_page,
    remembered_page,
    render_form_page,
    render_link_page,
    username,
)
from accounts.pages.forms import (
    ConfirmEmailChangeForm,
    EmailAddressForm,
    KeepEmailAddressForm,
    LogInForm,
    ResetPasswordForm,
    SignUpForm,
    TokenForm,
    VerifyEmailForm,
)
from accounts.throttling import requester_of
from common.pages import page_view, post_data
from emails import privacy

RECENT_EMAILS = 5

# The pages that the links in emails open.
CONFIRMATION = LinkPage("accounts/verify_email.html", tokens.read_email_verification_token, "pages:welcome")
RESET = LinkPage("accounts/reset_password.html", tokens.read_password_reset_token, "pages:forgot-password")
CHANGE = LinkPage("accounts/confirm_email_change.html", tokens.read_email_change_token, "pages:settings-email")
UNDO = LinkPage("accounts/undo_email_change.html", tokens.read_email_undo_token)
KEEP = LinkPage("accounts/keep_email_address.html", tokens.read_email_keep_token, "pages:settings-email-keep")


@page_view(limits=throttling.SIGNUP_LIMITS)
def sign_up(request: HttpRequest) -> HttpResponse:
    form = SignUpForm(post_data(request))
    with form.collect_errors():
        if form.is_valid():
            require_challenge(request)
            requester = requester_of(request, form.cleaned_data["email"])
            services.register_user(**form.cleaned_data, requester=requester)
            response = remember_inbox(redirect("pages:welcome"), form.cleaned_data["email"])
            return remember_next_page(request, response)
    return render_form_page(request, "accounts/signup.html", form, next=next_page(request))


@page_view(limits=throttling.RESEND_LIMITS)
def welcome(request: HttpRequest) -> HttpResponse:
    """Ask a new user to check their inbox, and send the email again on request."""
    form = EmailAddressForm(post_data(request), initial={"email": username(request)})
    if form.is_valid():
        requester = requester_of(request, form.cleaned_data["email"])
        services.resend_verification(**form.cleaned_data, requester=requester)
        messages.success(request, _("If this email address still needs to be confirmed, we've sent it another email."))
        return remember_inbox(redirect("pages:welcome"), form.cleaned_data["email"])
    inbox_url = reverse("development:inbox") if settings.DEVELOPMENT_ROUTES else ""
    context = {"address": inbox_address(request), "development_inbox_url": inbox_url}
    return render_form_page(request, "accounts/welcome.html", form, **context)


@page_view(limits=throttling.VERIFY_LIMITS)
def verify_email(request: HttpRequest) -> HttpResponse:
    if request.method != "POST" and "token" not in request.GET:
        return redirect("pages:welcome")  # which can send a new link
    form = VerifyEmailForm(post_data(request), initial=request.GET.dict())
    with form.collect_errors():
        if form.is_valid():
            user = login.verify_email_in_browser(request, **form.cleaned_data)
            messages.success(request, _("Your email address is confirmed. Welcome!"))
            return redirect_after_login(request, user, remembered_page(request))
    return render_link_page(request, CONFIRMATION, form)


@page_view(limits=throttling.LOGIN_LIMITS)
def log_in(request: HttpRequest) -> HttpResponse:
    """Log in, and go on to the page that required the login."""
    target = next_page(request)
    if request.user.is_authenticated:
        return redirect(target)
    form = LogInForm(post_data(request))
    with form.collect_errors():
        if form.is_valid():
            user = login.log_in_browser(request, **form.cleaned_data)
            return redirect_after_login(request, user, target)
    # Only the right password leads here, so the page may offer to send the confirmation link again.
    is_unconfirmed = form.has_error("__all__", "email_not_verified")
    page = render_form_page(request, "accounts/login.html", form, next=target, is_unconfirmed=is_unconfirmed)
    return remember_inbox(page, form.cleaned_data["email"]) if is_unconfirmed else page


def redirect_after_login(request: HttpRequest, user: User, target: str) -> HttpResponse:
    response = redirect(target)
    if settings.INBOX_COOKIE_NAME in request.COOKIES:
        forget_inbox(response)
    if settings.NEXT_PAGE_COOKIE_NAME in request.COOKIES:
        forget_next_page(response)
    set_device_cookie(response, user)
    return response


@page_view(methods=["POST"])
def log_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@page_view(limits=throttling.RESET_LIMITS)
def forgot_password(request: HttpRequest) -> HttpResponse:
    form = EmailAddressForm(post_data(request))
    if form.is_valid():
        requester = requester_of(request, form.cleaned_data["email"])
        services.request_password_reset(**form.cleaned_data, requester=requester)
        return remember_inbox(redirect("pages:reset-sent"), form.cleaned_data["email"])
    return render_form_page(request, "accounts/forgot_password.html", form)


@page_view()
def reset_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/reset_sent.html", {"address": inbox_address(request)})


@page_view(limits=throttling.CONFIRM_RESET_LIMITS)
def reset_password(request: HttpRequest) -> HttpResponse:
    if request.method != "POST" and "token" not in request.GET:
        return redirect("pages:forgot-password")
    form = ResetPasswordForm(post_data(request), initial=request.GET.dict())
    with form.collect_errors():
        if form.is_valid():
            user = services.reset_password(**form.cleaned_data)
            response = redirect_after_logout(request, _("Your new password is set. You can now log in with it."))
            set_device_cookie(response, user)  # the link proves that this device belongs to the owner
            return response
    return render_link_page(request, RESET, form)


@page_view(limits=throttling.CONFIRM_EMAIL_CHANGE_LIMITS)
def confirm_email_change(request: HttpRequest) -> HttpResponse:
    form = ConfirmEmailChangeForm(post_data(request), initial=request.GET.dict())
    with form.collect_errors():
        if form.is_valid():
            user = services.confirm_email_change(session=request.session, **form.cleaned_data)
            messages.success(request, _("Your new email address is confirmed. From now on, use it to log in."))
            response = redirect(settings.LOGIN_REDIRECT_URL)
            set_device_cookie(response, user)  # the change made all known devices unknown
            return response
    return render_link_page(request, CHANGE, form)


@page_view(limits=throttling.UNDO_EMAIL_CHANGE_LIMITS)
def undo_email_change(request: HttpRequest) -> HttpResponse:
    form = TokenForm(post_data(request), initial=request.GET.dict())
    with form.collect_errors():
        if form.is_valid():
            user = services.undo_email_change(**form.cleaned_data)
            request.session.flush()  # its user is logged out, and may be the one who made the change
            messages.success(request, _("Your old email address is restored, and all devices have been logged out."))
            return remember_inbox(redirect("pages:reset-sent"), user.email)
    return render_link_page(request, UNDO, form)


@page_view(limits=throttling.CONFIRM_KEPT_ADDRESS_LIMITS)
def keep_email_address(request: HttpRequest) -> HttpResponse:
    form = KeepEmailAddressForm(post_data(request), initial=request.GET.dict())
    with form.collect_errors():
        if form.is_valid():
            services.keep_address(**form.cleaned_data)
            messages.success(request, _("Your email address is final. Your old one can't undo the change anymore."))
            return redirect("pages:settings-email")
    return render_link_page(request, KEEP, form)


def redirect_after_logout(request: HttpRequest, message: str) -> HttpResponse:
    """Redirect to the login page, after an action that ended all sessions, including this one."""
    request.session.flush()
    messages.success(request, message)
    return redirect(settings.LOGIN_URL)


@page_view(methods=["POST"])
def choose_language(request: HttpRequest) -> HttpResponse:
    """Store the language in a cookie, and in the profile of a user who is logged in."""
    language = request.POST.get("language")
    if isinstance(request.user, User) and language in dict(settings.LANGUAGES):
        services.update_profile(user=request.user, language=language)
    return set_language(request)


@login_required
@page_view()
def dashboard(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    panels = [html for panel in dashboard_panels if (html := panel(request))]
    recent_emails = privacy.emails_of(str(user.pk))[:RECENT_EMAILS]
    return render(request, "accounts/dashboard.html", {"panels": panels, "emails": recent_emails})
