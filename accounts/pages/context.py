"""What a page knows about its visitor: the email address they entered, and the page they tried to open."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.errors import AccountsError
from common import pages

# The email address whose inbox the person is asked to check. It is in a cookie of its own, INBOX_COOKIE_NAME, because a
# session would keep it in the database for weeks, even after the account is deleted.
INBOX_SALT = "accounts.inbox"
INBOX_LIFE = timedelta(hours=1)

# The page that a new user was on the way to. It opens once they confirm their address in the same browser.
NEXT_PAGE_SALT = "accounts.next_page"
NEXT_PAGE_LIFE = timedelta(days=1)


def inbox_address(request: HttpRequest) -> str:
    """Return the address that this browser requested an email for within the last hour, or an empty string."""
    return request.get_signed_cookie(settings.INBOX_COOKIE_NAME, default="", salt=INBOX_SALT, max_age=INBOX_LIFE) or ""


def remember_inbox(response: HttpResponse, address: str) -> HttpResponse:
    """Store the address in the browser; returns the response."""
    response.set_signed_cookie(
        settings.INBOX_COOKIE_NAME, address, salt=INBOX_SALT, max_age=INBOX_LIFE, **_cookie_options()
    )
    return response


def forget_inbox(response: HttpResponse) -> None:
    response.set_cookie(settings.INBOX_COOKIE_NAME, max_age=0, **_cookie_options())


def _cookie_options() -> dict[str, Any]:
    return {"httponly": True, "samesite": "Lax", "secure": bool(settings.SESSION_COOKIE_SECURE)}


def remember_next_page(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Store the page that the sign-up was on the way to, if any, in the browser; returns the response."""
    if (target := next_page(request)) != settings.LOGIN_REDIRECT_URL:
        response.set_signed_cookie(
            settings.NEXT_PAGE_COOKIE_NAME, target, salt=NEXT_PAGE_SALT, max_age=NEXT_PAGE_LIFE, **_cookie_options()
        )
    return response


def remembered_page(request: HttpRequest) -> str:
    """Return the page that this browser's sign-up was on the way to, or the dashboard."""
    name, salt = settings.NEXT_PAGE_COOKIE_NAME, NEXT_PAGE_SALT
    target = request.get_signed_cookie(name, default="", salt=salt, max_age=NEXT_PAGE_LIFE) or ""
    return target if is_on_this_site(request, target) else settings.LOGIN_REDIRECT_URL


def forget_next_page(response: HttpResponse) -> None:
    response.set_cookie(settings.NEXT_PAGE_COOKIE_NAME, max_age=0, **_cookie_options())


def username(request: HttpRequest) -> str:
    """Return the user's email address, or the one that this browser last requested an email for, or an empty string.

    Password managers read it next to a password field to save the password for the right account.
    """
    return request.user.get_username() or inbox_address(request)


def next_page(request: HttpRequest) -> str:
    """Return the path that the person tried to open before the login, or the dashboard if it isn't on this site."""
    target = request.POST.get("next") or request.GET.get("next", "")
    return target if is_on_this_site(request, target) else settings.LOGIN_REDIRECT_URL


def is_on_this_site(request: HttpRequest, target: str) -> bool:
    # Otherwise, a link to our login page could lead people on to a copy of this site.
    return url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())


def render_form_page(request: HttpRequest, template: str, form: Form, **context: object) -> HttpResponse:
    """Render a page with a form; its template also gets the username."""
    return pages.render_form_page(request, template, form, **{"username": username(request), **context})


@dataclass(frozen=True, slots=True)
class LinkPage:
    """A page that a link in an email opens. The page with the URL name ``new_link`` can send another link."""

    template: str
    read_token: Callable[[str], object]
    new_link: str = ""


def render_link_page(request: HttpRequest, page: LinkPage, form: Form) -> HttpResponse:
    """Render the page, or if the link doesn't work, the one that says why, instead of asking for a password first."""
    problem = "" if form.is_bound else problem_with_link(form, page.read_token)
    if not problem:
        return render_form_page(request, page.template, form)
    context = {"problem": problem, "new_link": page.new_link}
    response = render_form_page(request, "accounts/broken_link.html", form, **context)
    response.status_code = HTTPStatus.BAD_REQUEST
    return response


def problem_with_link(form: Form, read_token: Callable[[str], object]) -> str:
    """Return what is wrong with a link that has just been opened, or an empty string. Changes nothing."""
    token = str(form.initial.get("token", ""))
    if not token:
        return str(form.fields["token"].error_messages["required"])
    try:
        read_token(token)
    except AccountsError as error:
        return error.message
    return ""
