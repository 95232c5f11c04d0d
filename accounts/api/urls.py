"""Routes under /api/accounts/, with and without the trailing slash."""

from django.urls import re_path

from accounts.api import views

# Django can't redirect a POST to the URL with the slash, and raises an exception under DEBUG.
urlpatterns = [
    re_path(r"^signup/?$", views.SignupView.as_view(), name="signup"),
    re_path(r"^email/verify/?$", views.VerifyEmailView.as_view(), name="verify-email"),
    re_path(r"^email/resend/?$", views.ResendVerificationView.as_view(), name="resend-verification"),
    re_path(r"^email/change/?$", views.ChangeEmailView.as_view(), name="change-email"),
    re_path(r"^email/change/confirm/?$", views.ConfirmEmailChangeView.as_view(), name="confirm-email-change"),
    re_path(r"^email/change/undo/?$", views.UndoEmailChangeView.as_view(), name="undo-email-change"),
    re_path(r"^email/change/keep/?$", views.KeepAddressView.as_view(), name="keep-address"),
    re_path(r"^email/change/keep/confirm/?$", views.ConfirmKeptAddressView.as_view(), name="confirm-kept-address"),
    re_path(r"^login/?$", views.LoginView.as_view(), name="login"),
    re_path(r"^logout/?$", views.LogoutView.as_view(), name="logout"),
    re_path(r"^logout-all/?$", views.LogoutAllView.as_view(), name="logout-all"),
    re_path(r"^password/reset/?$", views.PasswordResetView.as_view(), name="reset-password"),
    re_path(r"^password/reset/confirm/?$", views.ConfirmPasswordResetView.as_view(), name="confirm-password-reset"),
    re_path(r"^password/change/?$", views.ChangePasswordView.as_view(), name="change-password"),
    re_path(r"^me/?$", views.MeView.as_view(), name="me"),
    re_path(r"^me/export/?$", views.ExportView.as_view(), name="export"),
]
