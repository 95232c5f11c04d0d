"""How the API of accounts appears in the OpenAPI schema."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers

from accounts.serializers import (
    LoginSerializer,
    RegisteredSerializer,
    SessionSerializer,
    SignupSerializer,
    UserSerializer,
    VerifyEmailSerializer,
)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # so are its subclasses made
    target_class = "accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return build_bearer_security_scheme_object(header_name="Authorization", token_prefix="Token")  # noqa: S106  # the word in the header


ADA = {"email": "ada@example.com", "name": "Ada Lovelace"}
ADA_USER = {"id": 1, **ADA, "language": "en", "email_verified": True}
PASSWORD = {"password": "a sentence is a good password"}
SESSION = {"token": "9d2f…64 hexadecimal digits", "expiry": "2026-01-31T12:00:00Z", "user": ADA_USER}
VERIFICATION = {"token": "eyJ1c2VyIjox…", **PASSWORD}

REFUSAL = inline_serializer(
    "Refusal", {"detail": serializers.CharField(), "code": serializers.CharField(required=False)}
)


def given(name: str, value: object) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


def answered(name: str, value: object, status: int = 200) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


BAD_INPUT = OpenApiResponse(
    {"type": "object", "additionalProperties": {}},
    description="What is wrong, per field; or what was refused, as `detail` with a `code`.",
)
TOO_MANY = OpenApiResponse(REFUSAL, description="Too many requests: try again after the seconds in Retry-After.")

signup = extend_schema(
    operation_id="signup",
    summary="Sign up",
    description="Answers the same whether or not the address has an account; its owner gets a mail either way.",
    request={"application/json": SignupSerializer},
    responses={201: RegisteredSerializer, 400: BAD_INPUT, 429: TOO_MANY},
    examples=[
        given("Ada signs up", {**ADA, **PASSWORD}),
        answered("Ada signed up", {"user": ADA}, 201),
        answered("An unknown field", {"is_staff": ["Unknown field."]}, 400),
    ],
)
verify_email = extend_schema(
    operation_id="verify_email",
    summary="Confirm an email address",
    description="With the token of the link in the welcome mail and the password of the sign-up; logs in.",
    request={"application/json": VerifyEmailSerializer},
    responses={200: SessionSerializer, 400: BAD_INPUT, 429: TOO_MANY},
    examples=[
        given("A link was opened", VERIFICATION),
        answered("Confirmed", SESSION),
        answered(
            "Used already", {"detail": "This link is not valid, or it was used already.", "code": "token_invalid"}, 400
        ),
    ],
)
login = extend_schema(
    operation_id="login",
    summary="Log in",
    description="Every login has a token of its own, for the header `Authorization: Token …`.",
    request={"application/json": LoginSerializer},
    responses={
        200: SessionSerializer,
        400: BAD_INPUT,
        403: OpenApiResponse(REFUSAL, description="`email_not_verified`, and only after the right password."),
        429: TOO_MANY,
    },
    examples=[given("Ada logs in", {"email": ADA["email"], **PASSWORD}), answered("Logged in", SESSION)],
)
logout = extend_schema(
    operation_id="logout",
    summary="Log out",
    description="Ends this session; others go on.",
    request=None,
    responses={204: OpenApiResponse(description="The token is no longer valid."), 401: REFUSAL},
)
me = extend_schema(
    operation_id="me",
    summary="Who am I?",
    responses={200: UserSerializer, 401: REFUSAL},
    examples=[answered("Ada", ADA_USER)],
)
