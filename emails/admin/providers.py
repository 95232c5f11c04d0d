"""Providers and the calls to them. Both are read-only, but staff can resume a paused provider."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import truncatechars
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common import links
from common.actions import Action
from common.admin import IndexedSearchAdmin, ReadOnlyAdmin, RowActionsAdmin
from common.db import database_now
from common.filters import choice_filter
from common.lists import as_uuid, first_keys
from common.summaries import Summary
from emails.admin.filters import ChoiceFilter
from emails.admin.messages import COLUMN_WIDTH
from emails.delivery import provider_status
from emails.models import DeliveryAttempt, ProviderState
from emails.support import actions as support_actions
from emails.support import states, summaries

RESUME: Action[ProviderState] = Action(
    "Resume now", "Resumed. Waiting emails go out over the next 30 seconds.", support_actions.resume
)


@admin.register(ProviderState)
class ProviderStateAdmin(RowActionsAdmin, ReadOnlyAdmin):
    row_actions = {"resume": RESUME}
    list_display = ["state", "name", "explanation", "paused_until", "failures", "changed_at"]
    list_display_links = ["state", "name"]
    empty_text = _("Here you see whether each provider works. None has been used yet.")
    fieldsets = [
        (None, {"fields": ["detail", "paused_until", "down_since", "failed_over_at", "failures", "changed_at"]}),
        (_("Details"), {"fields": ["rate", "next_slot_at"], "classes": ["collapse"]}),
    ]
    actions = ["resume"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderState]:
        rows: QuerySet[ProviderState] = super().get_queryset(request).annotate(now=Now())
        return rows

    def offered_actions(self, row: ProviderState) -> Mapping[str, Action[ProviderState]]:
        return {} if provider_status.state_of(row, row.now) == "ok" else self.row_actions

    def summary(self, request: HttpRequest, row: ProviderState) -> Summary:
        facts = [(_("Attempts"), links.to_list(DeliveryAttempt, row.name, gettext("the newest ones")))]
        return Summary(states.provider_state(row, row.now), *summaries.provider_words(row, row.now), facts=facts)

    @admin.display(description=_("state"))
    def state(self, state: ProviderState) -> SafeString:
        return states.provider_state(state, state.now).badge

    # Not the stored detail, which may name a setting that has been corrected since.
    @admin.display(description=_("reason"), empty_value="")
    def explanation(self, state: ProviderState) -> str:
        return provider_status.describe(state, state.now)["reason"]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if self.has_view_permission(request):
            for failover in provider_status.failovers():
                messages.warning(request, failover)
        return super().changelist_view(request, extra_context)

    @admin.action(description=_("Resume now"), permissions=["operate"])
    def resume(self, request: HttpRequest, states: QuerySet[ProviderState]) -> None:
        for state in states:
            self.operate(request, state, "resume")
        messages.success(request, RESUME.done)


@admin.register(DeliveryAttempt)
class DeliveryAttemptAdmin(IndexedSearchAdmin):
    list_display = ["state", "provider", "response", "message_count", "created_at", "settled_at"]
    list_display_links = ["state", "provider"]
    list_filter = [("outcome", choice_filter(_("outcome"), states.OUTCOMES, ChoiceFilter)), "created_at"]
    ordering = ["-created_at"]
    sortable_by = ["created_at"]
    search_fields = ["provider", "error_code", "detail"]
    search_help_text = _(
        "Search by the ID of an email or of an attempt (the Idempotency-Key). Names of providers, and words of an "
        "error, are found among the newest 10,000 attempts."
    )
    empty_text = _("Here you see each call to a provider and its response. No email has been sent yet.")
    fieldsets = [
        (None, {"fields": ["carried", "provider", "fallback_for", "detail", "created_at", "due_at", "settled_at"]}),
        (
            _("Details"),
            {
                "fields": ["id", "endpoint", "status_code", "error_code", "calls", "crashes", "priority"],
                "classes": ["collapse"],
            },
        ),
    ]
    readonly_fields = ["id", "carried"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeliveryAttempt]:
        # The bodies hold live links, and no field shows them.
        return super().get_queryset(request).defer("body")

    def found_by_index(self, queryset: QuerySet[DeliveryAttempt], word: str) -> list[Any]:
        key = as_uuid(word)
        return first_keys(queryset.filter(pk=key)) or first_keys(queryset.filter(emails=key)) if key else []

    def summary(self, request: HttpRequest, row: DeliveryAttempt) -> Summary:
        state = ProviderState.objects.filter(pk=row.provider).first()
        facts = [(_("Provider"), links.to_row(state) if state else row.provider)]
        if row.contact_change is not None:
            facts.append((_("Contact change"), links.to_row(row.contact_change)))
        return Summary(states.attempt_state(row), *summaries.attempt_words(row, database_now()), facts=facts)

    @admin.display(description=_("outcome"))
    def state(self, attempt: DeliveryAttempt) -> SafeString:
        return states.attempt_state(attempt).badge

    @admin.display(description=_("response"), empty_value="")
    def response(self, attempt: DeliveryAttempt) -> str:
        answer = f"{attempt.status_code or ''} {attempt.error_code}".strip()
        return truncatechars(": ".join(filter(None, [answer, attempt.detail])), COLUMN_WIDTH * 2)

    @admin.display(description=_("emails"))
    def carried(self, attempt: DeliveryAttempt) -> SafeString | str:
        # In the order of the batch, because a batch's response lists its results by position.
        emails = attempt.emails.defer("content").order_by("attemptedemail__position")
        lines = [(states.state_of(email).badge, links.to_row(email)) for email in emails]
        return format_html_join("", "<div>{} {}</div>", lines) or "-"
