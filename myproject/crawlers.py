"""/robots.txt and /sitemap.xml: what search engines may read, and which pages there are."""

from datetime import timedelta
from xml.sax.saxutils import escape

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from accounts.pages.marketing import legal_links

CACHED = timedelta(hours=1)
# The pages for everybody. Each has only one URL for all languages, because the language is in a cookie.
PUBLIC_PAGES = ["pages:home", "billing-pages:pricing", "pages:signup", "pages:login"]
# Pages behind the login, pages with a token in their URL, and what isn't a page.
PRIVATE_PATHS = [
    "/admin/",
    "/api/",
    "/billing",
    "/confirm-email-change",
    "/dashboard",
    "/emails",
    "/keep-email-address",
    "/language",
    "/logout",
    "/reset-password",
    "/settings",
    "/stripe/",
    "/undo-email-change",
    "/verify-email",
    "/welcome",
]


@cache_control(public=True, max_age=int(CACHED.total_seconds()))
@require_safe
def robots_txt(request: HttpRequest) -> HttpResponse:
    """Keep crawlers away from everything in development, which may be reachable for a while, and without pages."""
    if settings.PAGES_ENABLED and not settings.DEVELOPMENT_ROUTES:
        rules = [*(f"Disallow: {path}" for path in PRIVATE_PATHS), "", f"Sitemap: {settings.APP_URL}/sitemap.xml"]
    else:
        rules = ["Disallow: /"]
    lines = ["User-agent: *", *rules]
    return HttpResponse("".join(f"{line}\n" for line in lines), content_type="text/plain; charset=utf-8")


@cache_control(public=True, max_age=int(CACHED.total_seconds()))
@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """Return the sitemap (https://www.sitemaps.org/protocol.html). Its URLs start with APP_URL, however it is read."""
    names = [*PUBLIC_PAGES, *(link.url_name for link in legal_links())]
    urls = "".join(f"<url><loc>{escape(settings.APP_URL + reverse(name))}</loc></url>\n" for name in names)
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n'
    )
    return HttpResponse(xml, content_type="application/xml; charset=utf-8")
