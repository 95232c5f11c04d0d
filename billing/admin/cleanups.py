"""What is still to be ended at Stripe after accounts were deleted, and what has been."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from billing.models import CleanupRequest
from common.admin import ReadOnlyAdmin


@admin.register(CleanupRequest)
class CleanupRequestAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "action", "object_id", "due_at", "failures", "done_at"]
    list_filter = [("done_at", admin.EmptyFieldListFilter), "action", "created_at"]
    search_fields = ["=object_id"]
    search_help_text = _("Search by Stripe ID: cs_…, sub_…, cus_…")
    fields = ["action", "object_id", "created_at", "due_at", "failures", "done_at"]
