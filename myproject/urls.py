"""Which app answers which path. /healthz and /readyz never come here: myproject/middleware.py answers them."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from accounts.pages import branding
from billing.webhook.views import stripe_webhook
from myproject import errors

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("api/accounts/", include("accounts.api.urls")),
    path("api/billing/", include("billing.api.urls")),
    re_path(r"^stripe/webhook/?$", stripe_webhook, name="stripe-webhook"),
    path("emails/", include("emails.urls")),
    re_path(r"^api/schema/?$", SpectacularAPIView.as_view(), name="schema"),
    re_path(r"^api/docs/?$", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("brand.css", branding.stylesheet, name="brand-stylesheet"),
    path("brand.svg", branding.mark, name="brand-mark"),
    path("favicon.ico", branding.mark),  # browsers ask for it where a page names no icon, as in the admin
]

if settings.DEVELOPMENT_ROUTES:
    urlpatterns.append(path("dev/", include("emails.development.urls")))

if settings.PAGES_ENABLED:
    urlpatterns += [path("", include("accounts.pages.urls")), path("", include("billing.pages.urls"))]
else:
    urlpatterns.append(path("", errors.no_pages))

handler400, handler403, handler404, handler500 = (
    errors.bad_request, errors.permission_denied, errors.page_not_found, errors.server_error
)  # fmt: skip
