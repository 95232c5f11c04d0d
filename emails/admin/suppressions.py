"""Suppressed addresses. Staff add one to stop emails to it, and delete one to lift its suppression."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from common import links
from common.admin import StrictAdmin
from common.db import database_now
from common.filters import choice_filter
from common.summaries import Summary
from emails.admin.messages import COLUMN_WIDTH
from emails.errors import InvalidMessage
from emails.message.address import Address
from emails.models import OutboundEmail, Suppression
from emails.support import states, summaries


class SuppressionForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in django-stubs, not in Django
    class Meta:
        model = Suppression
        fields = ["address", "scope", "detail", "until"]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if until := self.fields.get("until"):  # the admin's widget has two inputs, and the label belongs to neither
            for widget, label in zip(until.widget.widgets, (_("Date"), _("Time")), strict=True):
                widget.attrs["aria-label"] = label

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
    list_display = ["address", "state", "cause", "note", "created_at", "until"]
    list_filter = [
        ("scope", choice_filter(_("gets"), states.SUPPRESSIONS)),
        ("cause", choice_filter(_("cause"), states.CAUSES)),
        "created_at",
    ]
    search_fields = ["address", "detail"]
    search_help_text = _("Search by email address, a part of it, or a word of the note.")
    empty_text = _(
        "Here you see email addresses that get no email, for example because they bounced. All email addresses get "
        "email now."
    )

    def summary(self, request: HttpRequest, row: Suppression) -> Summary:
        now = database_now()
        facts = [(_("Emails"), links.to_list(OutboundEmail, row.address, row.address))]
        return Summary(states.suppression_state(row, now), *summaries.suppression_words(row, now), facts=facts)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Suppression]:
        rows: QuerySet[Suppression] = super().get_queryset(request).annotate(now=Now())
        return rows

    @admin.display(description=_("gets"), ordering="scope")
    def state(self, suppression: Any) -> SafeString:
        return states.suppression_state(suppression, suppression.now).badge

    @admin.display(description=_("note"), empty_value="")
    def note(self, suppression: Suppression) -> str:
        return truncatechars(suppression.detail, COLUMN_WIDTH)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str | list[str] | tuple[str, ...]]:
        # Staff can't choose the cause: what they add counts as added manually.
        return ["address", "scope", *(["cause"] if obj else []), "detail", *(["created_at"] if obj else []), "until"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # An edited row would keep the cause and the date of another address. Staff delete it and add a new one.
        return False
