"""The pages, with and without the trailing slash; included at / unless PAGES_ENABLED is false."""

from django.urls import path, re_path

from accounts import pages

app_name = "pages"

urlpatterns = [
    path("", pages.home, name="home"),
    re_path(r"^signup/?$", pages.sign_up, name="signup"),
    re_path(r"^verify-email/?$", pages.verify_email, name="verify-email"),
    re_path(r"^login/?$", pages.log_in, name="login"),
    re_path(r"^logout/?$", pages.log_out, name="logout"),
    re_path(r"^language/?$", pages.choose_language, name="language"),
    re_path(r"^dashboard/?$", pages.dashboard, name="dashboard"),
]
