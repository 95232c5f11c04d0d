"""The API under /api/billing/, with and without a trailing slash."""

from django.db.transaction import non_atomic_requests
from django.urls import re_path

from billing.api import views

urlpatterns = [
    re_path(r"^plans/?$", views.PlansView.as_view(), name="plans"),
    re_path(r"^subscription/?$", views.SubscriptionView.as_view(), name="subscription"),
    re_path(r"^payments/?$", views.PaymentsView.as_view(), name="payments"),
    re_path(r"^payments/(?P<pk>[0-9]{1,18})/?$", views.PaymentView.as_view(), name="payment"),
    # These call Stripe during the request. With ATOMIC_REQUESTS, a transaction would stay open during the call.
    re_path(r"^checkout/?$", non_atomic_requests(views.CheckoutView.as_view()), name="checkout"),
    re_path(
        r"^payments/(?P<pk>[0-9]{1,18})/invoice/?$",
        non_atomic_requests(views.InvoiceView.as_view()),
        name="payment-invoice",
    ),
    re_path(r"^portal/?$", non_atomic_requests(views.PortalView.as_view()), name="portal"),
]
