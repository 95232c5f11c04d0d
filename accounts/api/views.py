"""The API of accounts. A view parses the request and calls one service; schema.py documents it."""

from typing import cast

from django.utils.translation import gettext as _
from knox.models import AuthToken
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_201_CREATED, HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT
from rest_framework.views import APIView

from accounts import login, services, throttling
from accounts.api import schema, serializers
from accounts.api.authentication import OptionalTokenAuthentication
from accounts.api.serializers import IssuedTokenSerializer, RegisteredSerializer, UserSerializer
from accounts.challenge import require_challenge
from accounts.client_info import Requester
from accounts.device_cookies import set_device_header
from accounts.models import User
from accounts.throttling import requester_of
from common.api.serializers import parse
from common.api.views import ThrottledView
from common.throttling import person_subject


class PublicView(ThrottledView):
    """For people who are not logged in. An expired token in the request is ignored."""

    authentication_classes = []
    permission_classes = [AllowAny]


class SignupView(PublicView):
    limits = throttling.SIGNUP_LIMITS

    @schema.signup
    def post(self, request: Request) -> Response:
        person = parse(serializers.SignupSerializer, request)
        require_challenge(request)
        services.register_user(**person, requester=requester_of(request, person["email"]))
        return Response(RegisteredSerializer({"user": person}).data, status=HTTP_201_CREATED)


class VerifyEmailView(PublicView):
    limits = throttling.VERIFY_LIMITS

    @schema.verify_email
    def post(self, request: Request) -> Response:
        data = parse(serializers.VerifyEmailSerializer, request)
        return login_response(login.verify_email_in_client(request, **data))


class ResendVerificationView(PublicView):
    limits = throttling.RESEND_LIMITS

    @schema.resend_verification
    def post(self, request: Request) -> Response:
        email = parse(serializers.EmailAddressSerializer, request)["email"]
        services.resend_verification(email=email, requester=requester_of(request, email))
        return accepted(_("If this email address belongs to an unconfirmed account, we've sent it an email."))


class LoginView(PublicView):
    limits = throttling.LOGIN_LIMITS

    @schema.login
    def post(self, request: Request) -> Response:
        data = parse(serializers.LoginSerializer, request)
        return login_response(login.log_in_client(request, **data))


class LogoutView(APIView):
    @schema.logout
    def post(self, request: Request) -> Response:
        login.log_out_client(request, user=current_user(request), token=current_token(request))
        return Response(status=HTTP_204_NO_CONTENT)


class LogoutAllView(APIView):
    @schema.logout_all
    def post(self, request: Request) -> Response:
        services.log_out_everywhere(user=current_user(request))
        return Response(status=HTTP_204_NO_CONTENT)


class PasswordResetView(PublicView):
    limits = throttling.RESET_LIMITS

    @schema.request_password_reset
    def post(self, request: Request) -> Response:
        email = parse(serializers.EmailAddressSerializer, request)["email"]
        services.request_password_reset(email=email, requester=requester_of(request, email))
        return accepted(_("If this email address belongs to an account, we've sent it an email with a link."))


class ConfirmPasswordResetView(PublicView):
    limits = throttling.CONFIRM_RESET_LIMITS

    @schema.reset_password
    def post(self, request: Request) -> Response:
        user = services.reset_password(**parse(serializers.ResetPasswordSerializer, request))
        response = Response(status=HTTP_204_NO_CONTENT)
        set_device_header(response, user)  # the link proves that this device belongs to the owner
        return response


class ChangePasswordView(ThrottledView):
    limits = throttling.PASSWORD_LIMITS

    @schema.change_password
    def post(self, request: Request) -> Response:
        data = parse(serializers.ChangePasswordSerializer, request)
        user, token = current_user(request), current_token(request)
        services.change_password(user=user, session=request.session, token=token, **data)
        return Response(status=HTTP_204_NO_CONTENT)


class ChangeEmailView(ThrottledView):
    limits = throttling.EMAIL_CHANGE_LIMITS

    @schema.request_email_change
    def post(self, request: Request) -> Response:
        data, requester = parse(serializers.ChangeEmailSerializer, request), Requester(person_subject(request))
        services.request_email_change(user=current_user(request), requester=requester, **data)
        return accepted(_("We've sent an email to the new address. Open the link in it to complete the change."))


class ConfirmEmailChangeView(PublicView):
    authentication_classes = [OptionalTokenAuthentication]
    limits = throttling.CONFIRM_EMAIL_CHANGE_LIMITS

    @schema.confirm_email_change
    def post(self, request: Request) -> Response:
        data = parse(serializers.ConfirmEmailChangeSerializer, request)
        user = services.confirm_email_change(api_token=request.auth, **data)
        response = Response(UserSerializer(user).data)
        set_device_header(response, user)  # the change made all known devices unknown
        return response


class UndoEmailChangeView(PublicView):
    limits = throttling.UNDO_EMAIL_CHANGE_LIMITS

    @schema.undo_email_change
    def post(self, request: Request) -> Response:
        user = services.undo_email_change(**parse(serializers.UndoEmailChangeSerializer, request))
        return Response(UserSerializer(user).data)


class KeepAddressView(ThrottledView):
    limits = throttling.KEEP_ADDRESS_LIMITS

    @schema.request_address_keeping
    def post(self, request: Request) -> Response:
        services.request_address_keeping(user=current_user(request), **parse(serializers.PasswordSerializer, request))
        return accepted(_("We've sent you an email. Open the link in it to make the change final."))


class ConfirmKeptAddressView(PublicView):
    limits = throttling.CONFIRM_KEPT_ADDRESS_LIMITS

    @schema.keep_address
    def post(self, request: Request) -> Response:
        user = services.keep_address(**parse(serializers.KeepAddressSerializer, request))
        return Response(UserSerializer(user).data)


class MeView(ThrottledView):
    limits = throttling.profile_limits

    @schema.me
    def get(self, request: Request) -> Response:
        return Response(UserSerializer(current_user(request)).data)

    @schema.update_me
    def patch(self, request: Request) -> Response:
        data = parse(serializers.ProfileSerializer, request)
        return Response(UserSerializer(services.update_profile(user=current_user(request), **data)).data)

    @schema.delete_me
    def delete(self, request: Request) -> Response:
        services.delete_account(user=current_user(request), **parse(serializers.PasswordSerializer, request))
        return Response(status=HTTP_204_NO_CONTENT)


class ExportView(ThrottledView):
    limits = throttling.EXPORT_LIMITS

    @schema.export
    def get(self, request: Request) -> Response:
        # Personal data must not stay in a cache. Pages are never cached anyway (common/pages.py).
        headers = {"Content-Disposition": 'attachment; filename="my-data.json"', "Cache-Control": "no-store"}
        return Response(services.export_data(user=current_user(request)), headers=headers)


def current_user(request: Request) -> User:
    return cast(User, request.user)


def current_token(request: Request) -> AuthToken:
    return request.auth


def login_response(issued: services.IssuedToken) -> Response:
    """Return the new token, with the header that lets later logins from this device be recognized."""
    response = Response(IssuedTokenSerializer(issued).data)
    set_device_header(response, issued.user)
    return response


def accepted(message: str) -> Response:
    """Return the response to a request for an email, which must be the same for every email address."""
    return Response({"detail": message}, status=HTTP_202_ACCEPTED)
