"""What is still to be ended at Stripe after accounts were deleted, and what has been."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing import states
from billing.admin import links, summaries
from billing.models import CleanupRequest
from common.admin import ReadOnlyAdmin
from common.filters import filled
from common.summaries import Summary


@admin.register(CleanupRequest)
class CleanupRequestAdmin(ReadOnlyAdmin):
    list_display = ["state", "action", "object_id", "failures", "created_at", "due_at", "done_at"]
    list_display_links = ["state", "action"]
    list_filter = [("done_at", filled(_("status"), yes=_("Done"), no=_("Not done yet"))), "action", "created_at"]
    search_fields = ["=object_id"]
    search_help_text = _("Search by Stripe's ID: cs_…, sub_…, cus_…")
    empty_text = _("Here you see what is ended at Stripe after somebody deletes their account. Nobody has done so yet.")
    fields = ["action", "object_id", "created_at", "due_at", "failures", "done_at"]

    def summary(self, request: HttpRequest, row: CleanupRequest) -> Summary:
        facts = [(_("Stripe events"), links.to_events(row.object_id))]
        return Summary(states.cleanup_state(row), *summaries.cleanup_words(row), facts=facts)

    @admin.display(description=_("status"), ordering="done_at")
    def state(self, cleanup: CleanupRequest) -> SafeString:
        return states.cleanup_state(cleanup).badge
