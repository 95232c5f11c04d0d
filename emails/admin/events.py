"""Events that providers reported, with their raw payloads until retention deletes those."""

import json
from itertools import chain
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin import IndexedSearchAdmin
from common.lists import MAX_LISTED, as_uuid, first_keys
from emails.admin.filters import ChoiceFilter
from emails.admin.messages import readable_address
from emails.models import DeliveryEvent, OutboundEmail


@admin.register(DeliveryEvent)
class DeliveryEventAdmin(IndexedSearchAdmin):
    list_display = ["occurred_at", "provider", "type", "severity", "recipient", "detail"]
    list_filter = [("type", ChoiceFilter), ("severity", ChoiceFilter), "received_at"]
    ordering = ["-received_at"]
    sortable_by = ()
    newest_by = "received_at"
    search_fields = ["recipient", "detail"]
    search_help_text = _(
        "Search by email address, message ID, or provider message ID. Parts of addresses, and words of the details, "
        "are found among the newest 10,000 events."
    )
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

    def found_by_index(self, queryset: QuerySet[DeliveryEvent], word: str) -> list[Any]:
        """Return the newest events at this address, and the events of messages with this ID, ours or the provider's."""
        messages = OutboundEmail.objects.filter(provider_message_id=word)[:MAX_LISTED].values_list("pk", flat=True)
        queries = [
            queryset.filter(recipient=readable_address(word)).order_by("-occurred_at"),
            queryset.filter(email__in=[*messages, *filter(None, [as_uuid(word)])]),
            queryset.filter(email=None, provider_message_id=word),
        ]
        return [*chain.from_iterable(map(first_keys, queries))]

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
