"""Events that providers reported, with their raw payloads until retention deletes those."""

import json

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin import ReadOnlyAdmin
from emails.models import DeliveryEvent


@admin.register(DeliveryEvent)
class DeliveryEventAdmin(ReadOnlyAdmin):
    list_display = ["occurred_at", "provider", "type", "severity", "recipient", "detail"]
    list_filter = ["type", "severity", "received_at"]
    # "=" compares the whole value, because part of an ID identifies nothing.
    search_fields = ["recipient", "=email__id", "=provider_message_id"]
    search_help_text = _("Search by email address, message ID, or provider message ID")
    fields = [
        "occurred_at",
        "received_at",
        "provider",
        "type",
        "severity",
        "recipient",
        "detail",
        "message",
        "provider_message_id",
        "raw_form",
    ]
    readonly_fields = ["message", "raw_form"]

    @admin.display(description=_("message"))
    def message(self, event: DeliveryEvent) -> SafeString | str:
        # Other systems may send through the same provider account, and their events arrive here as well.
        if event.email_id is None:
            return gettext("not in the outbox")
        url = reverse("admin:emails_outboundemail_change", args=[event.email_id])
        return format_html('<a href="{}">{}</a>', url, event.email_id)

    @admin.display(description=_("as received"))
    def raw_form(self, event: DeliveryEvent) -> SafeString | str:
        if event.raw is None:
            return gettext("no longer stored")
        return format_html("<pre>{}</pre>", json.dumps(event.raw, ensure_ascii=False, indent=2))
