"""What a page knows about its visitor: the email address they gave, and the page they wanted to open."""

from django.conf import settings
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from common import pages

INBOX_ADDRESS = "inbox_address"  # session key: the address whose inbox the person is asked to check


def username(request: HttpRequest) -> str:
    """The email address of the user, or of the last form that asked for an email; empty if unknown.

    Password managers need it beside a password field to know which account to save.
    """
    return request.user.get_username() or request.session.get(INBOX_ADDRESS, "")


def next_page(request: HttpRequest) -> str:
    """The path that the person wanted to open before the login; the dashboard if it is not on this site."""
    target = request.POST.get("next") or request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_ours else settings.LOGIN_REDIRECT_URL


def render_form_page(request: HttpRequest, template: str, form: Form, **context: object) -> HttpResponse:
    """Render a page with a form, which also knows the username."""
    return pages.render_form_page(request, template, form, **{"username": username(request), **context})
