"""Configuration of the accounts app."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_save


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People"

    def ready(self) -> None:
        from accounts import checks, signals  # noqa: F401, PLC0415  # models load after apps
        from accounts.admin import groups, users  # noqa: F401, PLC0415  # after Django has loaded the packages' admins
        from accounts.pages import placeholders  # noqa: F401, PLC0415

        post_save.connect(signals.welcome_new_user, sender="accounts.User", dispatch_uid="accounts.welcome_new_user")
        post_save.connect(
            signals.end_access_after_new_password,
            sender="accounts.User",
            dispatch_uid="accounts.end_access_after_new_password",
        )
        user_logged_in.connect(signals.record_login, dispatch_uid="accounts.record_login")
        user_logged_out.connect(signals.record_logout, dispatch_uid="accounts.record_logout")
