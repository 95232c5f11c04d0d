"""Serializers of the requests and responses of the API."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.models import User
from accounts.services.passwords import check_new_password
from accounts.validators import NAME_MAX_LENGTH, PASSWORD_MAX_LENGTH, validate_name
from common.api.serializers import StrictSerializer
from common.email_addresses import EMAIL_MAX_LENGTH, normalize_address, validate_address


class EmailAddressSerializerField(serializers.CharField):
    """An email address, converted to its normal form."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=EMAIL_MAX_LENGTH, **options)

    def to_internal_value(self, data: Any) -> str:
        address = normalize_address(super().to_internal_value(data))
        validate_address(address)
        return address


class NameSerializerField(serializers.CharField):
    """A name, validated before surrounding whitespace is removed, which may contain a line break."""

    def to_internal_value(self, data: Any) -> str:
        validate_name(str(data))
        return super().to_internal_value(data)


class PasswordSerializerField(serializers.CharField):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            max_length=PASSWORD_MAX_LENGTH,
            trim_whitespace=False,  # a space may be part of a password
            write_only=True,
            style={"input_type": "password"},
            **options,
        )


class SignupSerializer(StrictSerializer):
    email = EmailAddressSerializerField()
    name = NameSerializerField(max_length=NAME_MAX_LENGTH)
    password = PasswordSerializerField()

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        # Not a field's validator, because the password must differ from the name and the email address.
        owner = User(email=attrs["email"], name=attrs["name"])
        check_new_password(attrs["password"], owner, field="password")
        return attrs


class LoginSerializer(StrictSerializer):
    email = EmailAddressSerializerField()
    password = PasswordSerializerField()


class TokenSerializerField(serializers.CharField):
    """The value of `token=` in the link from the email."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=1000, **options)  # limits the work of checking a forged token


class VerifyEmailSerializer(StrictSerializer):
    token = TokenSerializerField()
    password = PasswordSerializerField()


class EmailAddressSerializer(StrictSerializer):
    email = EmailAddressSerializerField()


class ResetPasswordSerializer(StrictSerializer):
    token = TokenSerializerField()
    password = PasswordSerializerField(help_text="The new password.")


class ChangePasswordSerializer(StrictSerializer):
    password = PasswordSerializerField(help_text="The current password.")
    new_password = PasswordSerializerField()


class ChangeEmailSerializer(StrictSerializer):
    email = EmailAddressSerializerField(help_text="The new email address.")
    password = PasswordSerializerField()


class ConfirmEmailChangeSerializer(StrictSerializer):
    token = TokenSerializerField()
    password = PasswordSerializerField()


class UndoEmailChangeSerializer(StrictSerializer):
    token = TokenSerializerField()


class KeepAddressSerializer(StrictSerializer):
    token = TokenSerializerField()
    password = PasswordSerializerField()


class PasswordSerializer(StrictSerializer):
    password = PasswordSerializerField()


class ProfileSerializer(StrictSerializer):
    name = NameSerializerField(max_length=NAME_MAX_LENGTH, required=False)
    language = serializers.ChoiceField(settings.LANGUAGES, required=False, help_text="The language of your emails.")


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
    """The same for every email address, so that it doesn't reveal who has an account."""

    user = RegisteredPersonSerializer()


class AcceptedSerializer(serializers.Serializer[Any]):
    """The same for every email address, so that it doesn't reveal who has an account."""

    detail = serializers.CharField()


class IssuedTokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="For the header `Authorization: Token …`. Returned only once.")
    expiry = serializers.DateTimeField()
    user = UserSerializer()
