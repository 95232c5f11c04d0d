"""Parts of the OpenAPI schema that the APIs of all apps share."""

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
    description="Either the errors per field, or a `detail` with a `code`.",
)
TOO_MANY = OpenApiResponse(REFUSAL, description="Too many requests. Retry-After gives the number of seconds to wait.")
BUSY = OpenApiResponse(
    REFUSAL, description="Too many passwords are being checked. Send the same request again after Retry-After seconds."
)


class Schema(AutoSchema):
    """drf-spectacular's schema, with the body of DELETE requests, which it leaves out."""

    def _get_request_body(self, direction: str = "request") -> Any:
        # AutoSchema documents a body only for POST, PUT, and PATCH.
        method, self.method = self.method, self.method.replace("DELETE", "POST")
        try:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        finally:
            self.method = method


def request_example(name: str, value: object) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


def response_example(name: str, value: object, status: int = 200) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])
