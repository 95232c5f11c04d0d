"""Routes of the pages, with and without the trailing slash. Included at / if PAGES_ENABLED is true."""

from django.urls import path, re_path

from accounts.pages import emails, marketing, settings, views

app_name = "pages"
UUID = "(?P<pk>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"

urlpatterns = [
    path("", marketing.home, name="home"),
    re_path(r"^terms/?$", marketing.terms, name="terms"),
    re_path(r"^privacy/?$", marketing.privacy, name="privacy"),
    re_path(r"^signup/?$", views.sign_up, name="signup"),
    re_path(r"^welcome/?$", views.welcome, name="welcome"),
    re_path(r"^verify-email/?$", views.verify_email, name="verify-email"),
    re_path(r"^login/?$", views.log_in, name="login"),
    re_path(r"^logout/?$", views.log_out, name="logout"),
    re_path(r"^forgot-password/?$", views.forgot_password, name="forgot-password"),
    re_path(r"^forgot-password/sent/?$", views.reset_sent, name="reset-sent"),
    re_path(r"^reset-password/?$", views.reset_password, name="reset-password"),
    re_path(r"^confirm-email-change/?$", views.confirm_email_change, name="confirm-email-change"),
    re_path(r"^undo-email-change/?$", views.undo_email_change, name="undo-email-change"),
    re_path(r"^keep-email-address/?$", views.keep_email_address, name="keep-email-address"),
    re_path(r"^language/?$", views.choose_language, name="language"),
    re_path(r"^dashboard/?$", views.dashboard, name="dashboard"),
    re_path(r"^emails/?$", emails.email_list, name="emails"),
    re_path(rf"^emails/{UUID}/?$", emails.email, name="email"),
    re_path(rf"^emails/{UUID}/html/?$", emails.email_html, name="email-html"),
    re_path(rf"^emails/{UUID}/file/?$", emails.email_file, name="email-file"),
    re_path(r"^settings/?$", settings.profile, name="settings"),
    re_path(r"^settings/email/?$", settings.email, name="settings-email"),
    re_path(r"^settings/email/keep/?$", settings.keep_email, name="settings-email-keep"),
    re_path(r"^settings/password/?$", settings.password, name="settings-password"),
    re_path(r"^settings/devices/?$", settings.devices, name="settings-devices"),
    re_path(r"^settings/devices/all/?$", settings.log_out_everywhere, name="settings-devices-all"),
    re_path(r"^settings/data/?$", settings.data, name="settings-data"),
    re_path(r"^settings/data/export/?$", settings.export, name="settings-export"),
]
