"""Forms of the pages. They validate as the API's serializers do, with messages for people."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services.passwords import check_new_password
from accounts.validators import NAME_MAX_LENGTH, PASSWORD_MAX_LENGTH, validate_name
from common.email_addresses import EMAIL_MAX_LENGTH, normalize_address, validate_address
from common.pages import PageForm

ADVICE = format_lazy(
    _("At least {minimum} characters. A whole sentence makes a good password."), minimum=settings.PASSWORD_MIN_LENGTH
)


class EmailAddressFormField(forms.EmailField):
    """An email address, converted to its normal form."""

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


class NameFormField(forms.CharField):
    """A name, validated before surrounding whitespace is removed, which may contain a line break."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput({"autocomplete": "name"})
        required = _("Enter your name.")
        super().__init__(max_length=NAME_MAX_LENGTH, widget=widget, error_messages={"required": required}, **options)

    def clean(self, value: Any) -> str:
        validate_name(str(value or ""))
        return str(super().clean(value))


class PasswordFormField(forms.CharField):
    def __init__(self, *, autocomplete: str, **options: Any) -> None:
        super().__init__(
            max_length=PASSWORD_MAX_LENGTH,
            strip=False,  # a space may be part of a password
            widget=forms.PasswordInput({"autocomplete": autocomplete}),
            error_messages={"required": _("Enter a password.") if "new" in autocomplete else _("Enter your password.")},
            **options,
        )


class SignUpForm(PageForm):
    name = NameFormField(label=_("Name"))
    email = EmailAddressFormField(label=_("Email address"))
    password = PasswordFormField(
        label=_("Password"),
        autocomplete="new-password",
        help_text=ADVICE,
    )

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "password" in data:
            owner = User(email=data.get("email", ""), name=data.get("name", ""))
            with self.collect_errors():
                check_new_password(data["password"], owner, field="password")
        return data


class LogInForm(PageForm):
    email = EmailAddressFormField(label=_("Email address"))
    password = PasswordFormField(label=_("Password"), autocomplete="current-password")


class EmailAddressForm(PageForm):
    """Asks for the email address that a link is sent to."""

    email = EmailAddressFormField(label=_("Email address"))


class TokenForm(PageForm):
    # The token comes from the URL of the page, and the form posts it: a GET must not use the link up.
    token = forms.CharField(
        max_length=1000,  # as in the API
        widget=forms.HiddenInput,
        error_messages={"required": _("The link is incomplete. Open it again from the email.")},
    )


class VerifyEmailForm(TokenForm):
    password = PasswordFormField(label=_("Password"), autocomplete="current-password")


class ResetPasswordForm(TokenForm):
    password = PasswordFormField(label=_("New password"), autocomplete="new-password", help_text=ADVICE)


class ConfirmEmailChangeForm(TokenForm):
    password = PasswordFormField(label=_("Password"), autocomplete="current-password")


class KeepEmailAddressForm(TokenForm):
    password = PasswordFormField(label=_("Password"), autocomplete="current-password")


class KeepAddressRequestForm(PageForm):
    password = PasswordFormField(label=_("Password"), autocomplete="current-password")


class ProfileForm(PageForm):
    name = NameFormField(label=_("Name"))
    language = forms.ChoiceField(
        label=_("Language"), choices=settings.LANGUAGES, help_text=_("For these pages and the emails we send you.")
    )


class ChangeEmailForm(PageForm):
    email = EmailAddressFormField(label=_("New email address"), autocomplete="email")
    password = PasswordFormField(label=_("Password"), autocomplete="current-password")


class ChangePasswordForm(PageForm):
    password = PasswordFormField(label=_("Current password"), autocomplete="current-password")
    new_password = PasswordFormField(label=_("New password"), autocomplete="new-password", help_text=ADVICE)


class DeleteAccountForm(PageForm):
    password = PasswordFormField(label=_("Password"), autocomplete="current-password")


class DeviceForm(PageForm):
    device = forms.IntegerField(min_value=1)
