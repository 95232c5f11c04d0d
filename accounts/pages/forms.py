"""The forms of the pages: the same rules as the API's serializers, and sentences that say what to do."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.errors import AccountsError
from accounts.models import User
from accounts.validators import NAME_MAX_LENGTH, PASSWORD_MAX_LENGTH, validate_name
from common.email_addresses import EMAIL_MAX_LENGTH, normalize_address, validate_address

ADVICE = _("At least 8 characters. A whole sentence makes a good password.")


class PageForm(forms.Form):
    """Fields that are not declared are ignored; templates/forms/form.html shows it."""

    def __init__(self, data: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(data, **{"label_suffix": "", **options})

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Within it, what a service refuses becomes an error of the form."""
        try:
            yield
        except AccountsError as error:
            detail = cast(dict[str, Any], error.detail)
            for name, messages in detail.items():
                if name in self.fields:
                    self.add_error(name, messages)
            if "detail" in detail:
                self.add_error(None, ValidationError(detail["detail"], code=detail.get("code")))


class AddressField(forms.EmailField):
    """Given on in its normal form."""

    default_validators = [validate_address]

    def __init__(self, *, autocomplete: str = "username", **options: Any) -> None:
        super().__init__(
            max_length=EMAIL_MAX_LENGTH,
            widget=forms.EmailInput({"autocomplete": autocomplete, "autocapitalize": "none", "spellcheck": "false"}),
            error_messages={
                "required": _("Enter an email address."),
                "invalid": _("Enter a complete email address, such as ada@example.com."),
            },
            **options,
        )

    def to_python(self, value: Any) -> str:
        return normalize_address(super().to_python(value) or "")


class NameField(forms.CharField):
    """Checked as it was typed: surrounding white space may hold a line break."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput({"autocomplete": "name"})
        required = _("Enter your name.")
        super().__init__(max_length=NAME_MAX_LENGTH, widget=widget, error_messages={"required": required}, **options)

    def clean(self, value: Any) -> str:
        validate_name(str(value or ""))
        return str(super().clean(value))


class PasswordField(forms.CharField):
    def __init__(self, *, autocomplete: str, **options: Any) -> None:
        super().__init__(
            max_length=PASSWORD_MAX_LENGTH,
            strip=False,
            widget=forms.PasswordInput({"autocomplete": autocomplete}),
            error_messages={"required": _("Enter a password.") if "new" in autocomplete else _("Enter your password.")},
            **options,
        )


class SignUpForm(PageForm):
    name = NameField(label=_("Name"))
    email = AddressField(label=_("Email address"))
    password = PasswordField(
        label=_("Password"),
        autocomplete="new-password",
        help_text=ADVICE,
    )

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "password" in data:
            owner = User(email=data.get("email", ""), name=data.get("name", ""))
            self.check_password(data["password"], owner)
        return data

    def check_password(self, password: str, owner: User) -> None:
        try:
            validate_password(password, owner)
        except ValidationError as error:
            self.add_error("password", error)


class LogInForm(PageForm):
    email = AddressField(label=_("Email address"))
    password = PasswordField(label=_("Password"), autocomplete="current-password")


class AddressForm(PageForm):
    """Of somebody who wants a mail with a link."""

    email = AddressField(label=_("Email address"))


class TokenForm(PageForm):
    token = forms.CharField(
        max_length=1000,
        widget=forms.HiddenInput,
        error_messages={"required": _("The link is incomplete. Open it again from the email.")},
    )


class VerifyEmailForm(TokenForm):
    password = PasswordField(label=_("Password"), autocomplete="current-password")


class ResetPasswordForm(TokenForm):
    password = PasswordField(label=_("New password"), autocomplete="new-password", help_text=ADVICE)


class ConfirmEmailChangeForm(TokenForm):
    password = PasswordField(label=_("Password"), autocomplete="current-password")


class ProfileForm(PageForm):
    name = NameField(label=_("Name"))
    language = forms.ChoiceField(
        label=_("Language"), choices=settings.LANGUAGES, help_text=_("For these pages and the emails we send you.")
    )


class ChangeEmailForm(PageForm):
    email = AddressField(label=_("New email address"), autocomplete="email")
    password = PasswordField(label=_("Password"), autocomplete="current-password")


class ChangePasswordForm(PageForm):
    password = PasswordField(label=_("Current password"), autocomplete="current-password")
    new_password = PasswordField(label=_("New password"), autocomplete="new-password", help_text=ADVICE)


class DeleteAccountForm(PageForm):
    password = PasswordField(label=_("Password"), autocomplete="current-password")


class DeviceForm(PageForm):
    device = forms.IntegerField(min_value=1)
