"""The forms that add and change users. An address that staff enter counts toward the same limits as anyone else's."""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AdminUserCreationForm as DjangoAddForm
from django.contrib.auth.forms import UserChangeForm as DjangoChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.admin.limits import refusal
from accounts.models import User
from common.email_addresses import normalize_address

if TYPE_CHECKING:  # generic in django-stubs, not in Django
    AddFormBase = DjangoAddForm[User]
    ChangeFormBase = DjangoChangeForm[User]
else:
    AddFormBase = DjangoAddForm
    ChangeFormBase = DjangoChangeForm


class LimitedEmailMixin:
    """Counts a new address in the limits of ``scope``. UserAdmin.get_form sets ``request``."""

    scope: ClassVar[str]
    request: ClassVar[HttpRequest]
    instance: User
    cleaned_data: dict[str, Any]

    def clean_email(self) -> str:
        email = normalize_address(self.cleaned_data["email"])
        if email != self.instance.email and (sentence := refusal(self.request, self.scope, email)):
            raise ValidationError(sentence, code="throttled")
        return email


class AddForm(LimitedEmailMixin, AddFormBase):
    scope = "signup"


class ChangeForm(LimitedEmailMixin, ChangeFormBase):
    scope = "password_reset"
    # A text field would accept any word, and pages and emails would then have no language.
    language = forms.ChoiceField(choices=settings.LANGUAGES)
