"""The accounts app."""

from django.apps import AppConfig
from django.db.models.signals import post_save


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.signals import welcome_new_user  # noqa: PLC0415  # it needs the models

        post_save.connect(welcome_new_user, sender="accounts.User", dispatch_uid="accounts.welcome_new_user")
