"""Validation of request bodies."""

from collections.abc import Mapping
from typing import Any, cast

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.serializers import Serializer


class StrictSerializer(serializers.Serializer[Any]):
    """Rejects unknown fields: a misspelled one is a mistake, and `is_staff` would be an attack."""

    def to_internal_value(self, data: Mapping[str, Any]) -> Any:
        unknown: dict[str, Any] = {name: [_("Unknown field.")] for name in data if name not in self.fields}
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(unknown | cast(dict[str, Any], error.detail)) from None
        if unknown:
            raise serializers.ValidationError(unknown)
        return values


def parse(serializer_class: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return the validated fields of the request's body. Raises ValidationError, which the API turns into a 400."""
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
