"""The pages, with and without the trailing slash; included at / unless PAGES_ENABLED is false."""

from django.urls import re_path

from billing import pages

app_name = "billing-pages"

urlpatterns = [
    re_path(r"^billing/?$", pages.billing, name="billing"),
    re_path(r"^billing/checkout/?$", pages.checkout, name="checkout"),
    re_path(r"^billing/portal/?$", pages.portal, name="portal"),
]
