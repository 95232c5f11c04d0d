"""The API under /api/accounts/, with and without the trailing slash."""

from django.urls import re_path

from accounts import views

urlpatterns = [
    re_path(r"^signup/?$", views.SignupView.as_view(), name="signup"),
    re_path(r"^email/verify/?$", views.VerifyEmailView.as_view(), name="verify-email"),
    re_path(r"^login/?$", views.LoginView.as_view(), name="login"),
    re_path(r"^logout/?$", views.LogoutView.as_view(), name="logout"),
    re_path(r"^me/?$", views.MeView.as_view(), name="me"),
]
