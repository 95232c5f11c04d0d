"""Tags and filters of the pages. Tags also work on error pages, which have no context processors."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django import template
from django.conf import settings

from accounts.hooks import NavigationLink, navigation_links, visitor_links
from accounts.pages import branding, display

register = template.Library()
register.filter("device_name", display.device_name)
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


@register.simple_tag
def languages() -> Mapping[str, str]:
    return dict(settings.LANGUAGES)
