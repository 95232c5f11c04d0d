"""The API of accounts: a view parses, calls one service, answers. How each is documented stands in documentation.py."""

from typing import Any, cast

from django.utils.translation import gettext as _
from knox.models import AuthToken
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED, HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT
from rest_framework.views import APIView

from accounts import services
from accounts.api import schema, serializers
from accounts.api.serializers import RegisteredSerializer, SessionSerializer, UserSerializer
from accounts.known_devices import remember_device
from accounts.models import User
from accounts.throttling import AddressThrottle, LoginThrottle
from common.api.serializers import parse
from common.api.throttling import ClientThrottle, PersonThrottle


class PublicView(APIView):
    """For people who have no session yet: an outdated token in the request is no obstacle."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = [ClientThrottle, AddressThrottle]


class PersonalView(APIView):
    """For the person whose token comes with the request, about that person only."""

    throttle_classes = [PersonThrottle]
    throttle_scope = "login"  # whoever found a token must not guess the password


class SignupView(PublicView):
    throttle_scope = "signup"

    @schema.signup
    def post(self, request: Request) -> Response:
        person = parse(serializers.SignupSerializer, request)
        services.register_user(**person)
        return Response(RegisteredSerializer({"user": person}).data, status=HTTP_201_CREATED)


class VerifyEmailView(PublicView):
    throttle_scope = "login"

    @schema.verify_email
    def post(self, request: Request) -> Response:
        given = parse(serializers.VerifyEmailSerializer, request)
        return answer_login(request, services.verify_email(request=request._request, **given))


class ResendVerificationView(PublicView):
    throttle_scope = "password_reset"

    @schema.resend_verification
    def post(self, request: Request) -> Response:
        services.resend_verification(**parse(serializers.AddressSerializer, request))
        return on_its_way(_("If this email address belongs to an unconfirmed account, we've sent it an email."))


class LoginView(PublicView):
    throttle_classes = [LoginThrottle]
    throttle_scope = "login"

    @schema.login
    def post(self, request: Request) -> Response:
        given = parse(serializers.LoginSerializer, request)
        return answer_login(request, services.log_in(request=request._request, **given))


class LogoutView(APIView):
    @schema.logout
    def post(self, request: Request) -> Response:
        services.log_out(request=request._request, user=current_user(request), token=current_token(request))
        return Response(status=HTTP_204_NO_CONTENT)


class LogoutAllView(APIView):
    @schema.logout_all
    def post(self, request: Request) -> Response:
        services.log_out_everywhere(user=current_user(request))
        return Response(status=HTTP_204_NO_CONTENT)


class PasswordResetView(PublicView):
    throttle_scope = "password_reset"

    @schema.request_password_reset
    def post(self, request: Request) -> Response:
        services.request_password_reset(**parse(serializers.AddressSerializer, request))
        return on_its_way(_("If this email address belongs to an account, we've sent it an email with a link."))


class ConfirmPasswordResetView(PublicView):
    throttle_scope = "login"

    @schema.reset_password
    def post(self, request: Request) -> Response:
        user = services.reset_password(**parse(serializers.ResetPasswordSerializer, request))
        response = Response(status=HTTP_204_NO_CONTENT)
        remember_device(response, request._request, user)
        return response


class ChangePasswordView(PersonalView):
    @schema.change_password
    def post(self, request: Request) -> Response:
        given = parse(serializers.ChangePasswordSerializer, request)
        services.change_password(
            request=request._request, user=current_user(request), token=current_token(request), **given
        )
        return Response(status=HTTP_204_NO_CONTENT)


class ChangeEmailView(PersonalView):
    throttle_classes = [PersonThrottle, AddressThrottle]
    throttle_scope = "password_reset"

    @schema.request_email_change
    def post(self, request: Request) -> Response:
        services.request_email_change(user=current_user(request), **parse(serializers.ChangeEmailSerializer, request))
        return on_its_way(_("We've sent an email to the new address. Open the link in it to complete the change."))


class ConfirmEmailChangeView(PublicView):
    throttle_scope = "login"

    @schema.confirm_email_change
    def post(self, request: Request) -> Response:
        user = services.confirm_email_change(**parse(serializers.ConfirmEmailChangeSerializer, request))
        return Response(UserSerializer(user).data)


class UndoEmailChangeView(PublicView):
    throttle_scope = "login"

    @schema.undo_email_change
    def post(self, request: Request) -> Response:
        user = services.undo_email_change(**parse(serializers.UndoEmailChangeSerializer, request))
        return Response(UserSerializer(user).data)


class MeView(PersonalView):
    def get_throttles(self) -> list[Any]:
        return [] if self.request.method == "GET" else super().get_throttles()

    @schema.me
    def get(self, request: Request) -> Response:
        return Response(UserSerializer(current_user(request)).data)

    @schema.update_me
    def patch(self, request: Request) -> Response:
        given = parse(serializers.ProfileSerializer, request)
        return Response(UserSerializer(services.update_profile(user=current_user(request), **given)).data)

    @schema.delete_me
    def delete(self, request: Request) -> Response:
        services.delete_account(user=current_user(request), **parse(serializers.PasswordSerializer, request))
        return Response(status=HTTP_204_NO_CONTENT)


class ExportView(PersonalView):
    @schema.export
    def get(self, request: Request) -> Response:
        headers = {"Content-Disposition": 'attachment; filename="my-data.json"', "Cache-Control": "no-store"}
        return Response(services.export_data(user=current_user(request)), headers=headers)


def current_user(request: Request) -> User:
    return cast(User, request.user)


def current_token(request: Request) -> AuthToken:
    return request.auth


def answer_login(request: Request, session: services.Session) -> Response:
    response = Response(SessionSerializer(session).data)
    remember_device(response, request._request, session.user)
    return response


def on_its_way(sentence: str) -> Response:
    return Response({"detail": sentence}, status=HTTP_202_ACCEPTED)
