"""Building blocks of the OpenAPI schema that every API shares."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, inline_serializer
from rest_framework import serializers

JSON = "application/json"

REFUSAL = inline_serializer(
    "Refusal", {"detail": serializers.CharField(), "code": serializers.CharField(required=False)}
)
BAD_INPUT = OpenApiResponse(
    {"type": "object", "additionalProperties": {}},
    description="What is wrong, per field; or what was refused, as `detail` with a `code`.",
)
TOO_MANY = OpenApiResponse(REFUSAL, description="Too many requests: try again after the seconds in Retry-After.")


class Schema(AutoSchema):
    """drf-spectacular's, which knows no body of a DELETE."""

    def _get_request_body(self, direction: str = "request") -> Any:
        method, self.method = self.method, self.method.replace("DELETE", "POST")
        try:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        finally:
            self.method = method


def given(name: str, value: object) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


def answered(name: str, value: object, status: int = 200) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])
