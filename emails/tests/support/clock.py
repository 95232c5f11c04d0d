"""Time for tests: stored timestamps move, the clock does not, since the database's clock decides."""

from datetime import timedelta

from django.apps import apps
from django.db.models import DateTimeField, F


def travel(distance: timedelta) -> None:
    """Let ``distance`` pass for all that the emails app has stored."""
    for model in apps.get_app_config("emails").get_models():
        moments = [field.name for field in model._meta.get_fields() if isinstance(field, DateTimeField)]
        if moments:
            model._default_manager.update(**{name: F(name) - distance for name in moments})
