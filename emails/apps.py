"""The configuration of the emails app."""

from django.apps import AppConfig


class EmailsConfig(AppConfig):
    name = "emails"
    verbose_name = "Email delivery"

    def ready(self) -> None:
        from emails import checks, fallback_checks  # noqa: F401, PLC0415  # they register the checks and need the models
