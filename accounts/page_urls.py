"""The pages, with and without the trailing slash; included at / unless PAGES_ENABLED is false."""

from django.urls import path, re_path

from accounts import pages, settings_pages

app_name = "pages"

urlpatterns = [
    path("", pages.home, name="home"),
    re_path(r"^signup/?$", pages.sign_up, name="signup"),
    re_path(r"^welcome/?$", pages.welcome, name="welcome"),
    re_path(r"^verify-email/?$", pages.verify_email, name="verify-email"),
    re_path(r"^login/?$", pages.log_in, name="login"),
    re_path(r"^logout/?$", pages.log_out, name="logout"),
    re_path(r"^forgot-password/?$", pages.forgot_password, name="forgot-password"),
    re_path(r"^forgot-password/sent/?$", pages.reset_sent, name="reset-sent"),
    re_path(r"^reset-password/?$", pages.reset_password, name="reset-password"),
    re_path(r"^confirm-email-change/?$", pages.confirm_email_change, name="confirm-email-change"),
    re_path(r"^undo-email-change/?$", pages.undo_email_change, name="undo-email-change"),
    re_path(r"^language/?$", pages.choose_language, name="language"),
    re_path(r"^dashboard/?$", pages.dashboard, name="dashboard"),
    re_path(r"^settings/?$", settings_pages.profile, name="settings"),
    re_path(r"^settings/email/?$", settings_pages.email, name="settings-email"),
    re_path(r"^settings/password/?$", settings_pages.password, name="settings-password"),
    re_path(r"^settings/devices/?$", settings_pages.devices, name="settings-devices"),
    re_path(r"^settings/devices/all/?$", settings_pages.log_out_everywhere, name="settings-devices-all"),
    re_path(r"^settings/data/?$", settings_pages.data, name="settings-data"),
    re_path(r"^settings/data/export/?$", settings_pages.export, name="settings-export"),
]
