"""The order that the forms of /billing and /pricing post."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.services.orders import MAX_QUANTITY
from common.pages import PageForm

WHOLE_NUMBER = re.compile(r"[0-9]{1,12}")


class WholeNumberFormField(forms.IntegerField):
    """A whole number, typed as digits. Empty means that the person named none."""

    def __init__(self, maximum: int, **options: Any) -> None:
        message = _("Enter a whole number from 1 to %(maximum)d.") % {"maximum": maximum}
        errors = dict.fromkeys(("invalid", "min_value", "max_value"), message)
        super().__init__(required=False, min_value=1, max_value=maximum, error_messages=errors, **options)

    def to_python(self, value: Any) -> int | None:
        text = str(value or "").strip()
        if text and not WHOLE_NUMBER.fullmatch(text):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(text)


class CheckoutForm(PageForm):
    """A plan, or a product. The service refuses what isn't for sale, with a message that names what is."""

    plan = forms.CharField(required=False, max_length=64)
    product = forms.CharField(required=False, max_length=64)
    interval = forms.CharField(required=False, max_length=16)
    interval_count = WholeNumberFormField(1095)
    quantity = WholeNumberFormField(MAX_QUANTITY, label=_("Number of people"))
    # Any value is valid here, because the service knows the add-ons.
    add_ons = forms.Field(required=False, widget=forms.SelectMultiple)

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        data["add_ons"] = tuple(dict.fromkeys(str(slug) for slug in data.get("add_ons") or ()))
        data["interval_count"] = data.get("interval_count") or 1
        return data
