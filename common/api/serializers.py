"""Validation of request bodies."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.serializers import Serializer

MAX_NAMED_FIELDS = 5
MAX_NAME_CHARACTERS = 60


class StrictSerializer(serializers.Serializer[Any]):
    """Rejects unknown fields: a misspelled one is a mistake, and `is_staff` would be an attack."""

    def to_internal_value(self, data: Mapping[str, Any]) -> Any:
        unknown = errors_for_unknown_fields([name for name in data if name not in self.fields])
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(unknown | cast(dict[str, Any], error.detail)) from None
        if unknown:
            raise serializers.ValidationError(unknown)
        return values


def errors_for_unknown_fields(names: Sequence[str]) -> dict[str, Any]:
    """Return the errors by field. Names only a few fields, because a body can have thousands."""
    errors: dict[str, Any] = {shorten_name(name): [_("Unknown field.")] for name in names[:MAX_NAMED_FIELDS]}
    if (count := len(names) - MAX_NAMED_FIELDS) > 0:
        text = ngettext("There is %(count)d more unknown field.", "There are %(count)d more unknown fields.", count)
        errors["non_field_errors"] = [text % {"count": count}]
    return errors


def shorten_name(name: str) -> str:
    return name if len(name) <= MAX_NAME_CHARACTERS else f"{name[:MAX_NAME_CHARACTERS]}…"


def parse(serializer_class: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return the validated fields of the request's body. Raises ValidationError, which the API turns into a 400."""
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
