"""What the API takes and gives."""

from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers

from accounts.models import User
from accounts.validators import NAME_MAX_LENGTH, PASSWORD_MAX_LENGTH, validate_name
from common.api.serializers import StrictSerializer
from common.email_addresses import EMAIL_MAX_LENGTH, normalize_address, validate_address


class AddressField(serializers.CharField):
    """An email address, given on in its normal form."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=EMAIL_MAX_LENGTH, **options)

    def to_internal_value(self, data: Any) -> str:
        address = normalize_address(super().to_internal_value(data))
        validate_address(address)
        return address


class NameField(serializers.CharField):
    """Checked as it was typed: surrounding white space may hold a line break."""

    def to_internal_value(self, data: Any) -> str:
        validate_name(str(data))
        return super().to_internal_value(data)


class PasswordField(serializers.CharField):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            max_length=PASSWORD_MAX_LENGTH,
            trim_whitespace=False,
            write_only=True,
            style={"input_type": "password"},
            **options,
        )


class SignupSerializer(StrictSerializer):
    email = AddressField()
    name = NameField(max_length=NAME_MAX_LENGTH)
    password = PasswordField()

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        try:
            validate_password(attrs["password"], User(email=attrs["email"], name=attrs["name"]))
        except DjangoValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from None
        return attrs


class LoginSerializer(StrictSerializer):
    email = AddressField()
    password = PasswordField()


class TokenField(serializers.CharField):
    """What stands behind `token=` in the link of a mail."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=1000, **options)


class VerifyEmailSerializer(StrictSerializer):
    token = TokenField()
    password = PasswordField()


class AddressSerializer(StrictSerializer):
    email = AddressField()


class ResetPasswordSerializer(StrictSerializer):
    token = TokenField()
    password = PasswordField(help_text="The new one.")


class ChangePasswordSerializer(StrictSerializer):
    password = PasswordField(help_text="The one that holds now.")
    new_password = PasswordField()


class ChangeEmailSerializer(StrictSerializer):
    email = AddressField(help_text="The new one.")
    password = PasswordField()


class ConfirmEmailChangeSerializer(StrictSerializer):
    token = TokenField()
    password = PasswordField()


class UndoEmailChangeSerializer(StrictSerializer):
    token = TokenField()


class PasswordSerializer(StrictSerializer):
    password = PasswordField()


class ProfileSerializer(StrictSerializer):
    name = NameField(max_length=NAME_MAX_LENGTH, required=False)
    language = serializers.ChoiceField(settings.LANGUAGES, required=False, help_text="That of your mails.")


class UserSerializer(serializers.ModelSerializer[User]):
    email_verified = serializers.BooleanField(source="is_email_verified", read_only=True)

    class Meta:
        model = User
        fields = ["id", "email", "name", "language", "email_verified"]
        read_only_fields = fields


class RegisteredPersonSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField()
    name = serializers.CharField()


class RegisteredSerializer(serializers.Serializer[Any]):
    """The same for every address, so that nobody can ask who has an account."""

    user = RegisteredPersonSerializer()


class OnItsWaySerializer(serializers.Serializer[Any]):
    """The same for every address, so that nobody can ask who has an account."""

    detail = serializers.CharField()


class SessionSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="For the header `Authorization: Token …`. Shown once.")
    expiry = serializers.DateTimeField()
    user = UserSerializer()
