"""How the API of accounts appears in the OpenAPI schema."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from accounts.api.serializers import (
    AcceptedSerializer,
    ChangeEmailSerializer,
    ChangePasswordSerializer,
    ConfirmEmailChangeSerializer,
    EmailAddressSerializer,
    IssuedTokenSerializer,
    KeepAddressSerializer,
    LoginSerializer,
    PasswordSerializer,
    ProfileSerializer,
    RegisteredSerializer,
    ResetPasswordSerializer,
    SignupSerializer,
    UndoEmailChangeSerializer,
    UserSerializer,
    VerifyEmailSerializer,
)
from accounts.device_cookies import HEADER
from common.api.schema import BAD_INPUT, BUSY, JSON, REFUSAL, TOO_MANY, request_example, response_example


# drf-spectacular has a scheme for Knox's own class, which it doesn't apply to subclasses.
class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its __init_subclass__ has no types
    target_class = "accounts.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return build_bearer_security_scheme_object(header_name="Authorization", token_prefix="Token")  # noqa: S106  # the prefix in the header


ADA = {"email": "ada@example.com", "name": "Ada Lovelace"}
ADA_USER = {"id": 1, **ADA, "language": "en", "email_verified": True}
PASSWORD = {"password": "a sentence is a good password"}
ISSUED_TOKEN = {"token": "9d2f…64 hexadecimal digits", "expiry": "2026-01-31T12:00:00Z", "user": ADA_USER}
VERIFICATION = {"token": "eyJ1c2VyIjox…", **PASSWORD}


UNAUTHENTICATED = OpenApiResponse(REFUSAL, description="The token is missing or no longer valid.")
USED_ALREADY = response_example(
    "Link already used", {"detail": "This link isn't valid, or it has already been used.", "code": "token_invalid"}, 400
)
WRONG_PASSWORD = response_example("Wrong password", {"password": ["The password is incorrect."]}, 400)
DEVICE = "A client that stores it and sends it back isn't slowed down when strangers guess passwords for this account."
KNOWN_DEVICE = OpenApiParameter(
    HEADER, location=OpenApiParameter.HEADER, description=f"The value from an earlier login response. {DEVICE}"
)
NEW_DEVICE = OpenApiParameter(
    HEADER,
    location=OpenApiParameter.HEADER,
    response=[200, 204],
    description=f"Send this with the next login. {DEVICE}",
)


def accepted_example(message: str) -> OpenApiExample:
    return response_example("Any email address", {"detail": message}, 202)


signup = extend_schema(
    operation_id="signup",
    summary="Sign up",
    description="The response is the same whether or not the email address has an account. Its owner gets an email "
    "either way.",
    request={JSON: SignupSerializer},
    responses={201: RegisteredSerializer, 400: BAD_INPUT, 429: TOO_MANY, 503: BUSY},
    examples=[
        request_example("Ada signs up", {**ADA, **PASSWORD}),
        response_example("Ada signed up", {"user": ADA}, 201),
        response_example("Unknown field", {"is_staff": ["Unknown field."]}, 400),
    ],
)
verify_email = extend_schema(
    operation_id="verify_email",
    summary="Confirm an email address",
    description="Takes the token from the link in the welcome email and the password from the sign-up. Logs the user "
    "in.",
    request={JSON: VerifyEmailSerializer},
    responses={200: IssuedTokenSerializer, 400: BAD_INPUT, 429: TOO_MANY, 503: BUSY},
    parameters=[NEW_DEVICE],
    examples=[
        request_example("The link was opened", VERIFICATION),
        response_example("Confirmed", ISSUED_TOKEN),
        USED_ALREADY,
    ],
)
resend_verification = extend_schema(
    operation_id="resend_verification",
    summary="Send the confirmation link again",
    description="The response is the same for every email address. Only an address that still needs to be confirmed "
    "gets an email.",
    request={JSON: EmailAddressSerializer},
    responses={202: AcceptedSerializer, 400: BAD_INPUT, 429: TOO_MANY},
    examples=[
        request_example("No email arrived", {"email": ADA["email"]}),
        accepted_example("If this email address belongs to an unconfirmed account, we've sent it an email."),
    ],
)
request_email_change = extend_schema(
    operation_id="request_email_change",
    summary="Change the email address",
    description="Sends a link to the new address. Until it is used, the old address stays active. The response is the "
    "same if the new address already has an account. In that case, its owner gets an email.",
    request={JSON: ChangeEmailSerializer},
    responses={202: AcceptedSerializer, 400: BAD_INPUT, 401: UNAUTHENTICATED, 429: TOO_MANY, 503: BUSY},
    examples=[
        request_example("Ada gets a new email address", {"email": "countess@example.com", **PASSWORD}),
        accepted_example("We've sent an email to the new address. Open the link in it to complete the change."),
        WRONG_PASSWORD,
    ],
)
confirm_email_change = extend_schema(
    operation_id="confirm_email_change",
    summary="Confirm the new email address",
    description="Takes the token from the link sent to the new email address, which is valid for 24 hours, and the "
    "account's password. Ends all tokens and sessions, except for a token in the request's header. The old address "
    "gets a notification with a link to undo the change within some days, by default 7.",
    auth=[{"token": []}, {}],  # type: ignore[list-item]  # the annotation is wrong: these are what OpenAPI requires
    request={JSON: ConfirmEmailChangeSerializer},
    responses={
        200: UserSerializer,
        400: BAD_INPUT,
        409: OpenApiResponse(REFUSAL, description="`address_taken`: another account now uses this email address."),
        429: TOO_MANY,
        503: BUSY,
    },
    parameters=[NEW_DEVICE],
    examples=[
        request_example("The link was opened", VERIFICATION),
        response_example("Changed", {**ADA_USER, "email": "countess@example.com"}),
        USED_ALREADY,
    ],
)
undo_email_change = extend_schema(
    operation_id="undo_email_change",
    summary="Undo a change of the email address",
    description="Takes the token from the link sent to the old email address, which is valid for some days, by default "
    "7, unless the change is made final before. Restores that address, ends all tokens and sessions, invalidates the "
    "password, and sends a link to set a new one to that address.",
    request={JSON: UndoEmailChangeSerializer},
    responses={
        200: UserSerializer,
        400: BAD_INPUT,
        409: OpenApiResponse(REFUSAL, description="`address_taken`: another account now uses this email address."),
        429: TOO_MANY,
    },
    examples=[
        request_example("Ada rejects the change", {"token": "eyJjaGFuZ2UiOjF9…"}),
        response_example("Undone", ADA_USER),
        USED_ALREADY,
    ],
)
request_address_keeping = extend_schema(
    operation_id="request_address_keeping",
    summary="Request a link that makes an email address change final",
    description="For a person whose old inbox isn't safe: its link can undo the change for some days. Sends a link "
    "that ends this to the new email address. Possible only some time after the change, by default after 72 hours.",
    request={JSON: PasswordSerializer},
    responses={
        202: AcceptedSerializer,
        400: BAD_INPUT,
        401: UNAUTHENTICATED,
        409: OpenApiResponse(
            REFUSAL,
            description="`undo_protected`: it is too early, and Retry-After says for how long. `nothing_to_keep`: no "
            "link can undo a change.",
        ),
        429: TOO_MANY,
    },
    examples=[
        request_example("Ada keeps her new email address", PASSWORD),
        accepted_example("We've sent you an email. Open the link in it to make the change final."),
        WRONG_PASSWORD,
    ],
)
keep_address = extend_schema(
    operation_id="keep_address",
    summary="Make an email address change final",
    description="Takes the token from the link sent to the current email address, which is valid for 24 hours, and the "
    "account's password. The links in the old inboxes can't undo the change anymore.",
    request={JSON: KeepAddressSerializer},
    responses={
        200: UserSerializer,
        400: BAD_INPUT,
        409: OpenApiResponse(REFUSAL, description="`undo_protected`: there has been another change meanwhile."),
        429: TOO_MANY,
    },
    examples=[
        request_example("The link was opened", VERIFICATION),
        response_example("Final", ADA_USER),
        USED_ALREADY,
    ],
)
login = extend_schema(
    operation_id="login",
    summary="Log in",
    description="Each login creates its own token, for the header `Authorization: Token …`.",
    request={JSON: LoginSerializer},
    responses={
        200: IssuedTokenSerializer,
        400: BAD_INPUT,
        403: OpenApiResponse(REFUSAL, description="`email_not_verified`, returned only if the password is correct."),
        429: TOO_MANY,
        503: BUSY,
    },
    parameters=[KNOWN_DEVICE, NEW_DEVICE],
    examples=[
        request_example("Ada logs in", {"email": ADA["email"], **PASSWORD}),
        response_example("Logged in", ISSUED_TOKEN),
    ],
)
logout = extend_schema(
    operation_id="logout",
    summary="Log out",
    description="Ends this session. Other sessions stay active.",
    request=None,
    responses={204: OpenApiResponse(description="The token is no longer valid."), 401: UNAUTHENTICATED},
)
logout_all = extend_schema(
    operation_id="logout_all",
    summary="Log out everywhere",
    description="Ends all tokens and all browser sessions, including this one.",
    request=None,
    responses={204: OpenApiResponse(description="No token is valid anymore."), 401: UNAUTHENTICATED},
)
request_password_reset = extend_schema(
    operation_id="request_password_reset",
    summary="Request a password reset",
    description="The response is the same for every email address. If it has an account, it gets a link that is valid "
    "for one hour.",
    request={JSON: EmailAddressSerializer},
    responses={202: AcceptedSerializer, 400: BAD_INPUT, 429: TOO_MANY},
    examples=[
        request_example("Ada forgot her password", {"email": ADA["email"]}),
        accepted_example("If this email address belongs to an account, we've sent it an email with a link."),
    ],
)
reset_password = extend_schema(
    operation_id="reset_password",
    summary="Choose a new password",
    description="Takes the token from the link in the email, once. Also confirms the email address, and ends all "
    "tokens and sessions.",
    request={JSON: ResetPasswordSerializer},
    responses={
        204: OpenApiResponse(description="Log in with the new password."),
        400: BAD_INPUT,
        429: TOO_MANY,
        503: BUSY,
    },
    parameters=[NEW_DEVICE],
    examples=[request_example("The link was opened", VERIFICATION), USED_ALREADY],
)
change_password = extend_schema(
    operation_id="change_password",
    summary="Change password",
    description="This token stays valid. All other tokens and sessions end.",
    request={JSON: ChangePasswordSerializer},
    responses={
        204: OpenApiResponse(description="The password was changed."),
        400: BAD_INPUT,
        401: UNAUTHENTICATED,
        429: TOO_MANY,
        503: BUSY,
    },
    examples=[
        request_example("A better password", {**PASSWORD, "new_password": "a longer sentence is a better password"}),
        WRONG_PASSWORD,
    ],
)
me = extend_schema(
    operation_id="me",
    summary="Get my profile",
    responses={200: UserSerializer, 401: UNAUTHENTICATED},
    examples=[response_example("Ada", ADA_USER)],
)
update_me = extend_schema(
    operation_id="update_me",
    summary="Change my name or language",
    request={JSON: ProfileSerializer},
    responses={200: UserSerializer, 400: BAD_INPUT, 401: UNAUTHENTICATED, 429: TOO_MANY},
    examples=[
        request_example("Switch to German", {"language": "de"}),
        response_example("Changed", {**ADA_USER, "language": "de"}),
        response_example("Unknown field", {"is_staff": ["Unknown field."]}, 400),
    ],
)
delete_me = extend_schema(
    operation_id="delete_me",
    summary="Delete my account",
    description="Also deletes everything stored about the user, including emails. The body contains the password.",
    request={JSON: PasswordSerializer},
    responses={
        204: OpenApiResponse(description="The account was deleted."),
        400: BAD_INPUT,
        401: UNAUTHENTICATED,
        409: OpenApiResponse(REFUSAL, description="`deletion_refused`: the message says why, and what to do."),
        429: TOO_MANY,
        503: BUSY,
    },
    examples=[request_example("Ada leaves", PASSWORD), WRONG_PASSWORD],
)
export = extend_schema(
    operation_id="export",
    summary="Export my data",
    description="Returns everything stored about the user, except the bodies of emails that contained a live link.",
    responses={
        200: OpenApiResponse({"type": "object", "additionalProperties": {}}, description="Grouped by source."),
        401: UNAUTHENTICATED,
        429: TOO_MANY,
    },
    examples=[
        response_example("Ada", {"profile": ADA_USER, "logins": [], "email_changes": [], "mails": []}),
    ],
)
