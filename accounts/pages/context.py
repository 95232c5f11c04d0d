"""What a page knows about its visitor: the email address they entered, and the page they tried to open."""

from django.conf import settings
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from common import pages

INBOX_ADDRESS = "inbox_address"  # in the session: the email address whose inbox the person is asked to check


def username(request: HttpRequest) -> str:
    """Return the user's email address, or the one that this browser last requested an email for, or an empty string.

    Password managers read it next to a password field to save the password for the right account.
    """
    return request.user.get_username() or request.session.get(INBOX_ADDRESS, "")


def next_page(request: HttpRequest) -> str:
    """Return the path that the person tried to open before the login, or the dashboard if it isn't on this site."""
    target = request.POST.get("next") or request.GET.get("next", "")
    # Otherwise, a link to our login page could lead people on to a copy of this site.
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_ours else settings.LOGIN_REDIRECT_URL


def render_form_page(request: HttpRequest, template: str, form: Form, **context: object) -> HttpResponse:
    """Render a page with a form; its template also gets the username."""
    return pages.render_form_page(request, template, form, **{"username": username(request), **context})
