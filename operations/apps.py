"""Configuration of the operations app and of the admin site. It comes last: it imports every other app."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class OperationsConfig(AppConfig):
    name = "operations"

    def ready(self) -> None:
        from emails.signals import emails_deleting  # noqa: PLC0415  # models load after apps
        from operations.admin import reports  # noqa: F401, PLC0415
        from operations.rollups import emails, tasks  # noqa: F401, PLC0415

        emails_deleting.connect(emails.remember_deleted, dispatch_uid="operations.remember_deleted")


class AdminConfig(admin_apps.AdminConfig):
    default = False  # INSTALLED_APPS lists both configurations of this module by name
    default_site = "operations.admin.site.AdminSite"
