"""Changes to contacts at the provider: which are waiting, which failed, and why."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from common.admin import ReadOnlyAdmin, preformatted
from common.db import database_now
from common.filters import choice_filter
from common.summaries import Summary
from emails.models import ContactChange, Status
from emails.support import states, summaries

USED = (Status.QUEUED, Status.SENDING, Status.SENT, Status.FAILED, Status.CANCELLED)


@admin.register(ContactChange)
class ContactChangeAdmin(ReadOnlyAdmin):
    list_display = ["state", "address", "action", "provider", "created_at", "settled_at"]
    list_display_links = ["state", "address"]
    list_filter = [
        ("status", choice_filter(_("status"), {status: states.STATUSES[status] for status in USED})),
        "action",
        "created_at",
    ]
    search_fields = ["address", "former_address"]
    search_help_text = _("Search by email address, or a part of it.")
    empty_text = _("Here you see changes to people in the provider's list of contacts. Nothing has changed yet.")
    fieldsets = [
        (None, {"fields": ["address", "former_address", "action", "what", "created_at", "due_at", "settled_at"]}),
        (
            _("Details"),
            {"fields": ["detail", "provider", "so_far", "event_id", "failures", "sent_at"], "classes": ["collapse"]},
        ),
    ]
    readonly_fields = ["what", "so_far"]
    shown_with = {"what": "content", "so_far": "progress"}

    def summary(self, request: HttpRequest, row: ContactChange) -> Summary:
        return Summary(states.state_of(row), *summaries.change_words(row, database_now()))

    @admin.display(description=_("status"), ordering="status")
    def state(self, change: ContactChange) -> SafeString:
        return states.state_of(change).badge

    @admin.display(description=_("details"))
    def what(self, change: ContactChange) -> SafeString | str:
        return preformatted(change.content) if change.content else "-"

    @admin.display(description=_("progress"))
    def so_far(self, change: ContactChange) -> Any:
        return preformatted(change.progress) if change.progress else "-"
