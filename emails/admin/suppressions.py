"""Suppressed addresses. Staff add one to stop emails to it, and delete one to lift its suppression."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.admin import StrictAdmin
from emails.errors import InvalidMessage
from emails.message.address import Address
from emails.models import Suppression


class SuppressionForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in django-stubs, not in Django
    class Meta:
        model = Suppression
        fields = ["address", "scope", "detail", "until"]

    def clean_scope(self) -> str:
        return self.cleaned_data["scope"] or Suppression.Scope.EVERYTHING

    def clean_address(self) -> str:
        """Return the address in the form that delivery compares with: parsed, and in lower case."""
        try:
            return Address.parse(self.cleaned_data["address"]).email.lower()
        except InvalidMessage as error:
            raise forms.ValidationError(str(error)) from error


@admin.register(Suppression)
class SuppressionAdmin(StrictAdmin):
    form = SuppressionForm
    list_display = ["address", "scope", "cause", "detail", "created_at", "until"]
    list_filter = ["scope", "cause", "created_at"]
    search_fields = ["address", "detail"]

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        messages.info(
            request, _("The provider keeps its own suppression list. Remove the email address there as well.")
        )
        return super().change_view(request, *args, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str | list[str] | tuple[str, ...]]:
        # Staff can't choose the cause: what they add counts as added manually.
        return ["address", "scope", *(["cause"] if obj else []), "detail", "until"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # An edited row would keep the cause and the date of another address. Staff delete it and add a new one.
        return False
