"""Tags and filters of the pages. Tags also work on error pages, which have no context processors."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urljoin

from django import template
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.template import Context
from django.template.base import Parser, Token
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from accounts.device_names import device_name
from accounts.hooks import NavigationLink, banners, footer_links, navigation_links, visitor_links
from accounts.pages import branding, display, marketing
from accounts.pages.placeholders import PlaceholderNode

register = template.Library()
register.filter("device_name", device_name)
register.simple_tag(display.email_badge)


@register.simple_tag
def brand() -> dict[str, str]:
    return {
        "name": settings.BRAND_NAME,
        "logo_url": settings.BRAND_LOGO_URL,
        "address": settings.BRAND_ADDRESS,
        "support": settings.SUPPORT_EMAIL,
        "query": urlencode({"v": branding.version()}),
    }


@register.simple_tag
def navigation(*, visitor: bool = False) -> list[NavigationLink]:
    return visitor_links if visitor else navigation_links


@register.simple_tag
def footer_navigation() -> list[dict[str, Any]]:
    """Return the ``url`` and ``label`` of each link. There are none if PAGES_ENABLED is false."""
    links: list[dict[str, Any]] = []
    for link in [*footer_links, *marketing.legal_links()]:
        try:
            links.append({"url": reverse(link.url_name), "label": link.label})
        except NoReverseMatch:
            continue
    return links


@register.simple_tag(takes_context=True)
def current(context: Context, url: str) -> SafeString:
    """Return the attribute that marks a link to the page that is open, or to one of the pages below it."""
    request = context.get("request")
    path = request.path.rstrip("/") if request else ""
    if not path or not url:
        return SafeString()
    if path == url:
        return mark_safe(' aria-current="page"')
    return mark_safe(' aria-current="true"') if path.startswith(f"{url}/") else SafeString()


@register.simple_tag(takes_context=True)
def canonical_url(context: Context) -> str:
    """Return the page's one URL, without a query and a trailing slash."""
    path = context["request"].path.rstrip("/") or "/"
    return f"{settings.APP_URL}{path}"


@register.simple_tag
def absolute_static(path: str) -> str:
    return urljoin(f"{settings.APP_URL}/", static(path))


@register.tag
def placeholder(parser: Parser, token: Token) -> PlaceholderNode:
    """Mark a template whose text the owner still has to replace: ``{% placeholder %}``."""
    return PlaceholderNode()


@register.simple_tag(takes_context=True)
def page_banners(context: Context) -> SafeString:
    """Return the banners for the user, or nothing for visitors and on error pages that know no request."""
    request = context.get("request")
    if request is None or not getattr(request, "user", AnonymousUser()).is_authenticated:
        return SafeString()
    return format_html_join("\n", "{}", ((banner(request),) for banner in banners))


@register.simple_tag
def languages() -> Mapping[str, str]:
    return dict(settings.LANGUAGES)
