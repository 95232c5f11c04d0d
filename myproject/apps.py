"""The Django app of the wiring: it starts what watches a process."""

from django.apps import AppConfig

from myproject import error_reports


class MyprojectConfig(AppConfig):
    name = "myproject"

    def ready(self) -> None:
        error_reports.start()
