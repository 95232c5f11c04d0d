"""Changes to contacts at the provider: which are waiting, which failed, and why."""

from django.contrib import admin

from common.admin import ReadOnlyAdmin
from emails.models import ContactChange


@admin.register(ContactChange)
class ContactChangeAdmin(ReadOnlyAdmin):
    list_display = ["address", "action", "status", "reason", "created_at", "due_at", "settled_at"]
    list_filter = ["status", "action", "created_at"]
    search_fields = ["address", "former_address"]
    fields = [
        "address",
        "former_address",
        "action",
        "content",
        "progress",
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
