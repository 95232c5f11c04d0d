"""What the API takes and gives."""

from collections.abc import Mapping
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext as _
from rest_framework import serializers

from accounts import names
from accounts.addresses import MAXIMUM_LENGTH, normalise_address, validate_address
from accounts.models import User
from accounts.names import validate_name
from accounts.passwords import MAXIMUM_PASSWORD_LENGTH


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know: a misspelt one is a mistake, `is_staff` an attack."""

    def to_internal_value(self, data: Mapping[str, Any]) -> Any:
        unknown: dict[str, Any] = {name: [_("Unknown field.")] for name in data if name not in self.fields}
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(unknown | cast(dict[str, Any], error.detail)) from None
        if unknown:
            raise serializers.ValidationError(unknown)
        return values


class AddressField(serializers.CharField):
    """An email address, given on in its normal form."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAXIMUM_LENGTH, **options)

    def to_internal_value(self, data: Any) -> str:
        address = normalise_address(super().to_internal_value(data))
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
            max_length=MAXIMUM_PASSWORD_LENGTH,
            trim_whitespace=False,
            write_only=True,
            style={"input_type": "password"},
            **options,
        )


class SignupSerializer(StrictSerializer):
    email = AddressField()
    name = NameField(max_length=names.MAXIMUM_LENGTH)
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
    name = NameField(max_length=names.MAXIMUM_LENGTH, required=False)
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
