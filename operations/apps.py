"""The operations app. It comes last: it may import every other app, and none imports it."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"
