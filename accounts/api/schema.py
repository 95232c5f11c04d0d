"""How the API of accounts appears in the OpenAPI schema."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from accounts.api.serializers import (
    AddressSerializer,
    ChangeEmailSerializer,
    ChangePasswordSerializer,
    ConfirmEmailChangeSerializer,
    LoginSerializer,
    OnItsWaySerializer,
    PasswordSerializer,
    ProfileSerializer,
    RegisteredSerializer,
    ResetPasswordSerializer,
    SessionSerializer,
    SignupSerializer,
    UndoEmailChangeSerializer,
    UserSerializer,
    VerifyEmailSerializer,
)
from accounts.known_devices import HEADER
from common.api.schema import BAD_INPUT, JSON, REFUSAL, TOO_MANY, answered, given


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # so are its subclasses made
    target_class = "accounts.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return build_bearer_security_scheme_object(header_name="Authorization", token_prefix="Token")  # noqa: S106  # the word in the header


ADA = {"email": "ada@example.com", "name": "Ada Lovelace"}
ADA_USER = {"id": 1, **ADA, "language": "en", "email_verified": True}
PASSWORD = {"password": "a sentence is a good password"}
SESSION = {"token": "9d2f…64 hexadecimal digits", "expiry": "2026-01-31T12:00:00Z", "user": ADA_USER}
VERIFICATION = {"token": "eyJ1c2VyIjox…", **PASSWORD}


UNAUTHENTICATED = OpenApiResponse(REFUSAL, description="No token, or one that has ended.")
USED_ALREADY = answered(
    "Used already", {"detail": "This link isn't valid, or it has already been used.", "code": "token_invalid"}, 400
)
WRONG_PASSWORD = answered("A wrong password", {"password": ["The password is incorrect."]}, 400)
DEVICE = "a client that keeps it and sends it back is not slowed down by strangers who guess at this account."
KNOWN_DEVICE = OpenApiParameter(
    HEADER, location=OpenApiParameter.HEADER, description=f"What an earlier login was answered with: {DEVICE}"
)
NEW_DEVICE = OpenApiParameter(
    HEADER, location=OpenApiParameter.HEADER, response=[200, 204], description=f"For the next login: {DEVICE}"
)


def on_its_way(sentence: str) -> OpenApiExample:
    return answered("Whoever it is", {"detail": sentence}, 202)


signup = extend_schema(
    operation_id="signup",
    summary="Sign up",
    description="Answers the same whether or not the address has an account; its owner gets a mail either way.",
    request={JSON: SignupSerializer},
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
    request={JSON: VerifyEmailSerializer},
    responses={200: SessionSerializer, 400: BAD_INPUT, 429: TOO_MANY},
    parameters=[NEW_DEVICE],
    examples=[given("A link was opened", VERIFICATION), answered("Confirmed", SESSION), USED_ALREADY],
)
resend_verification = extend_schema(
    operation_id="resend_verification",
    summary="Send the confirm link again",
    description="Answers the same for every address; only one with something to confirm gets a mail.",
    request={JSON: AddressSerializer},
    responses={202: OnItsWaySerializer, 400: BAD_INPUT, 429: TOO_MANY},
    examples=[
        given("No mail came", {"email": ADA["email"]}),
        on_its_way("If this email address belongs to an unconfirmed account, we've sent it an email."),
    ],
)
request_email_change = extend_schema(
    operation_id="request_email_change",
    summary="Change the email address",
    description="The new address gets a link; until it is used, the old one stays the login. Answers the same for an "
    "address that has an account; its owner is told.",
    request={JSON: ChangeEmailSerializer},
    responses={202: OnItsWaySerializer, 400: BAD_INPUT, 401: UNAUTHENTICATED, 429: TOO_MANY},
    examples=[
        given("Ada moves", {"email": "countess@example.com", **PASSWORD}),
        on_its_way("We've sent an email to the new address. Open the link in it to complete the change."),
        WRONG_PASSWORD,
    ],
)
confirm_email_change = extend_schema(
    operation_id="confirm_email_change",
    summary="Confirm the new email address",
    description="With the token of the link sent to the new address, within 24 hours, and the password of the account. "
    "The old address is told, with a link by which the change can be undone for 7 days.",
    request={JSON: ConfirmEmailChangeSerializer},
    responses={
        200: UserSerializer,
        400: BAD_INPUT,
        409: OpenApiResponse(REFUSAL, description="`address_taken`: another account has the address by now."),
        429: TOO_MANY,
    },
    examples=[
        given("The link was opened", VERIFICATION),
        answered("Changed", {**ADA_USER, "email": "countess@example.com"}),
        USED_ALREADY,
    ],
)
undo_email_change = extend_schema(
    operation_id="undo_email_change",
    summary="Undo a change of the email address",
    description="With the token of the link sent to the old address, within 7 days. The account has its old address "
    "again, all tokens and sessions end, the password is void, and the old address gets the link to choose a new one.",
    request={JSON: UndoEmailChangeSerializer},
    responses={
        200: UserSerializer,
        400: BAD_INPUT,
        409: OpenApiResponse(REFUSAL, description="`address_taken`: another account has the address by now."),
        429: TOO_MANY,
    },
    examples=[given("It was not me", {"token": "eyJjaGFuZ2UiOjF9…"}), answered("Undone", ADA_USER), USED_ALREADY],
)
login = extend_schema(
    operation_id="login",
    summary="Log in",
    description="Every login has a token of its own, for the header `Authorization: Token …`.",
    request={JSON: LoginSerializer},
    responses={
        200: SessionSerializer,
        400: BAD_INPUT,
        403: OpenApiResponse(REFUSAL, description="`email_not_verified`, and only after the right password."),
        429: TOO_MANY,
    },
    parameters=[KNOWN_DEVICE, NEW_DEVICE],
    examples=[given("Ada logs in", {"email": ADA["email"], **PASSWORD}), answered("Logged in", SESSION)],
)
logout = extend_schema(
    operation_id="logout",
    summary="Log out",
    description="Ends this session; others go on.",
    request=None,
    responses={204: OpenApiResponse(description="The token is no longer valid."), 401: UNAUTHENTICATED},
)
logout_all = extend_schema(
    operation_id="logout_all",
    summary="Log out everywhere",
    description="Ends all tokens and all sessions in browsers, this one included.",
    request=None,
    responses={204: OpenApiResponse(description="No token is valid any more."), 401: UNAUTHENTICATED},
)
request_password_reset = extend_schema(
    operation_id="request_password_reset",
    summary="Forgot the password",
    description="Answers the same for every address; one that has an account gets a link that works for an hour.",
    request={JSON: AddressSerializer},
    responses={202: OnItsWaySerializer, 400: BAD_INPUT, 429: TOO_MANY},
    examples=[
        given("Ada forgot", {"email": ADA["email"]}),
        on_its_way("If this email address belongs to an account, we've sent it an email with a link."),
    ],
)
reset_password = extend_schema(
    operation_id="reset_password",
    summary="Choose a new password",
    description="With the token of the link in the mail, once. Confirms the address, and ends all tokens and sessions.",
    request={JSON: ResetPasswordSerializer},
    responses={204: OpenApiResponse(description="Log in with the new password."), 400: BAD_INPUT, 429: TOO_MANY},
    parameters=[NEW_DEVICE],
    examples=[given("The link was opened", VERIFICATION), USED_ALREADY],
)
change_password = extend_schema(
    operation_id="change_password",
    summary="Change password",
    description="This token goes on; all others, and all other sessions, end.",
    request={JSON: ChangePasswordSerializer},
    responses={
        204: OpenApiResponse(description="The new password holds."),
        400: BAD_INPUT,
        401: UNAUTHENTICATED,
        429: TOO_MANY,
    },
    examples=[
        given("A better one", {**PASSWORD, "new_password": "a longer sentence is a better password"}),
        WRONG_PASSWORD,
    ],
)
me = extend_schema(
    operation_id="me",
    summary="Who am I?",
    responses={200: UserSerializer, 401: UNAUTHENTICATED},
    examples=[answered("Ada", ADA_USER)],
)
update_me = extend_schema(
    operation_id="update_me",
    summary="Change name or language",
    request={JSON: ProfileSerializer},
    responses={200: UserSerializer, 400: BAD_INPUT, 401: UNAUTHENTICATED, 429: TOO_MANY},
    examples=[
        given("In German, please", {"language": "de"}),
        answered("Changed", {**ADA_USER, "language": "de"}),
        answered("An unknown field", {"is_staff": ["Unknown field."]}, 400),
    ],
)
delete_me = extend_schema(
    operation_id="delete_me",
    summary="Delete my account",
    description="And everything that is stored about the person, mails included. The body holds the password.",
    request={JSON: PasswordSerializer},
    responses={
        204: OpenApiResponse(description="The account is gone."),
        400: BAD_INPUT,
        401: UNAUTHENTICATED,
        409: OpenApiResponse(REFUSAL, description="`deletion_refused`: what stands against it, and what to do."),
        429: TOO_MANY,
    },
    examples=[given("Ada leaves", PASSWORD), WRONG_PASSWORD],
)
export = extend_schema(
    operation_id="export",
    summary="Export my data",
    description="Everything that is stored about the person. Bodies of mails that held a live link are left out.",
    responses={
        200: OpenApiResponse({"type": "object", "additionalProperties": {}}, description="By where it is stored."),
        401: UNAUTHENTICATED,
        429: TOO_MANY,
    },
    examples=[
        answered("Ada", {"profile": ADA_USER, "logins": [], "email_changes": [], "mails": []}),
    ],
)
