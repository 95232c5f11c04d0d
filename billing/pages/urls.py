"""The pages, with and without a trailing slash. They are included at / unless PAGES_ENABLED is false."""

from django.urls import re_path

from billing.pages import changes, views

app_name = "billing-pages"

urlpatterns = [
    re_path(r"^pricing/?$", views.pricing, name="pricing"),
    re_path(r"^billing/?$", views.billing, name="billing"),
    re_path(r"^billing/checkout/?$", views.checkout, name="checkout"),
    re_path(r"^billing/portal/?$", views.portal, name="portal"),
    re_path(r"^billing/change/?$", changes.change, name="change"),
    re_path(r"^billing/change/confirm/?$", changes.confirm, name="change-confirm"),
    re_path(r"^billing/change/make/?$", changes.make, name="change-make"),
    re_path(r"^billing/cancel/?$", changes.cancel, name="cancel"),
    re_path(r"^billing/resume/?$", changes.resume, name="resume"),
    re_path(r"^billing/pay/?$", views.pay, name="pay"),
    re_path(r"^billing/invoices/(?P<pk>[0-9]{1,18})/?$", views.invoice, name="invoice"),
    re_path(r"^billing/invoices/(?P<pk>[0-9]{1,18})/pdf/?$", views.invoice_pdf, name="invoice-pdf"),
]
