"""The API of accounts: a view parses, calls one service, answers. How each is documented stands in documentation.py."""

from typing import Any, cast

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT
from rest_framework.views import APIView

from accounts import documentation, services
from accounts.models import User
from accounts.serializers import (
    LoginSerializer,
    RegisteredSerializer,
    SessionSerializer,
    SignupSerializer,
    UserSerializer,
    VerifyEmailSerializer,
)
from accounts.throttling import AddressThrottle, ClientThrottle


class PublicView(APIView):
    """For people who have no session yet: an outdated token in the request is no obstacle."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = [ClientThrottle, AddressThrottle]


class SignupView(PublicView):
    throttle_scope = "signup"

    @documentation.signup
    def post(self, request: Request) -> Response:
        person = parse(SignupSerializer, request)
        services.register_user(**person)
        return Response(RegisteredSerializer({"user": person}).data, status=HTTP_201_CREATED)


class VerifyEmailView(PublicView):
    throttle_scope = "login"

    @documentation.verify_email
    def post(self, request: Request) -> Response:
        session = services.verify_email(request=request, **parse(VerifyEmailSerializer, request))
        return Response(SessionSerializer(session).data)


class LoginView(PublicView):
    throttle_scope = "login"

    @documentation.login
    def post(self, request: Request) -> Response:
        session = services.log_in(request=request, **parse(LoginSerializer, request))
        return Response(SessionSerializer(session).data)


class LogoutView(APIView):
    @documentation.logout
    def post(self, request: Request) -> Response:
        services.log_out(request=request)
        return Response(status=HTTP_204_NO_CONTENT)


class MeView(APIView):
    @documentation.me
    def get(self, request: Request) -> Response:
        return Response(UserSerializer(cast(User, request.user)).data)


def parse(serializer_class: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """The fields of the request's body, checked; raises ValidationError, answered 400."""
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
