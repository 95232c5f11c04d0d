"""Tags and filters of the pages. Tags also work on error pages, which have no context processors."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.template import Context
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.device_names import device_name
from accounts.hooks import NavigationLink, banners, navigation_links, visitor_links
from accounts.pages import branding, display

register = template.Library()
register.filter("device_name", device_name)
register.simple_tag(display.email_badge)


@register.simple_tag
def brand() -> dict[str, str]:
    return {
        "name": settings.BRAND_NAME,
        "logo_url": settings.BRAND_LOGO_URL,
        "address": settings.BRAND_ADDRESS,
        "query": urlencode({"v": branding.version()}),
    }


@register.simple_tag
def navigation(*, visitor: bool = False) -> list[NavigationLink]:
    return visitor_links if visitor else navigation_links


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
