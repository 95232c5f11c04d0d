"""Changes to contacts at Sequenzy: which are waiting, which failed, and why."""

from django.contrib import admin

from common.admin import ReadOnlyAdmin
from emails.models import ContactChange


@admin.register(ContactChange)
class ContactChangeAdmin(ReadOnlyAdmin):
    list_display = ["address", "action", "status", "reason", "created_at", "due_at", "settled_at"]
    list_filter = ["status", "action", "created_at"]
    search_fields = ["address"]
    fields = [
        "address",
        "action",
        "content",
        "status",
        "reason",
        "detail",
        "provider",
        "event_id",
        "failures",
        "created_at",
        "due_at",
        "sent_at",
        "settled_at",
    ]
