"""Paths of lists in the admin."""

from datetime import datetime

from django.db.models import Model
from django.urls import reverse
from django.utils.http import urlencode


def list_url(model: type[Model], **parameters: str) -> str:
    """Return the path of the model's list in the admin, filtered or searched (``q``)."""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{url}?{urlencode(parameters)}" if parameters else url


def as_parameter(at: datetime) -> str:
    """Return the time as the links of the admin's own filters by date have it."""
    return f"{at:%Y-%m-%d %H:%M:%S+00:00}"
