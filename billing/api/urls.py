"""The API under /api/billing/, with and without a trailing slash."""

from django.db.transaction import non_atomic_requests
from django.urls import re_path

from billing.api import changes_views, views

urlpatterns = [
    re_path(r"^plans/?$", views.PlansView.as_view(), name="plans"),
    re_path(r"^add-ons/?$", views.AddOnsView.as_view(), name="add-ons"),
    re_path(r"^products/?$", views.ProductsView.as_view(), name="products"),
    re_path(r"^subscription/?$", views.SubscriptionView.as_view(), name="subscription"),
    re_path(r"^payments/?$", views.PaymentsView.as_view(), name="payments"),
    re_path(r"^payments/(?P<pk>[0-9]{1,18})/?$", views.PaymentView.as_view(), name="payment"),
    # These call Stripe during the request. With ATOMIC_REQUESTS, a transaction would stay open during the call.
    re_path(r"^checkout/?$", non_atomic_requests(views.CheckoutView.as_view()), name="checkout"),
    re_path(r"^pay/?$", non_atomic_requests(views.PayView.as_view()), name="pay"),
    re_path(
        r"^payments/(?P<pk>[0-9]{1,18})/invoice/?$",
        non_atomic_requests(views.InvoiceView.as_view()),
        name="payment-invoice",
    ),
    re_path(r"^portal/?$", non_atomic_requests(views.PortalView.as_view()), name="portal"),
    re_path(
        r"^subscription/preview/?$", non_atomic_requests(changes_views.PreviewView.as_view()), name="preview-change"
    ),
    re_path(r"^subscription/change/?$", non_atomic_requests(changes_views.ChangeView.as_view()), name="change"),
    re_path(r"^subscription/cancel/?$", non_atomic_requests(changes_views.CancelView.as_view()), name="cancel"),
    re_path(r"^subscription/resume/?$", non_atomic_requests(changes_views.ResumeView.as_view()), name="resume"),
]
