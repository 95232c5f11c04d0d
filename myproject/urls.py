"""The URLs of the project, except for /healthz, /readyz, and /metrics: myproject/middleware.py responds to these."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularSwaggerSplitView

from accounts.pages import branding
from accounts.pages.settings import change_password
from billing.webhook.views import stripe_webhook
from myproject import crawlers, errors
from myproject.schema import SchemaView
from myproject.security_contact import security_txt

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("api/accounts/", include("accounts.api.urls")),
    path("api/billing/", include("billing.api.urls")),
    # With or without the slash: Stripe counts a redirect as a failed delivery.
    re_path(r"^stripe/webhook/?$", stripe_webhook, name="stripe-webhook"),
    path("emails/", include("emails.urls")),
    re_path(r"^api/schema/?$", SchemaView.as_view(), name="schema"),
    re_path(r"^api/docs/?$", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path(".well-known/security.txt", security_txt, name="security-txt"),
    path("brand.css", branding.stylesheet, name="brand-stylesheet"),
    path("brand.svg", branding.mark, name="brand-mark"),
    path("favicon.ico", branding.icon),  # browsers request these two if a page, such as the admin, names no icon
    path("apple-touch-icon.png", branding.touch_icon),
    path("robots.txt", crawlers.robots_txt, name="robots-txt"),
]

if settings.DEVELOPMENT_ROUTES:
    urlpatterns.append(path("dev/", include("emails.development.urls")))

if settings.PAGES_ENABLED:
    urlpatterns += [
        path(".well-known/change-password", change_password, name="change-password"),
        path("sitemap.xml", crawlers.sitemap, name="sitemap"),
        path("", include("accounts.pages.urls")),
        path("", include("billing.pages.urls")),
    ]
else:
    urlpatterns.append(path("", errors.no_pages))

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.page_not_found
handler500 = errors.server_error
