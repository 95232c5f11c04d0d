"""Events that providers reported, with their raw payloads until retention deletes those."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common import links
from common.admin import IndexedSearchAdmin, preformatted
from common.filters import choice_filter
from common.lists import MAX_LISTED, as_uuid, first_keys
from common.summaries import Summary
from emails.admin.filters import ChoiceFilter
from emails.admin.messages import COLUMN_WIDTH, readable_address
from emails.models import DeliveryEvent, OutboundEmail, Suppression
from emails.support import states, summaries

SEVERITIES = {
    DeliveryEvent.Severity.HARD: _("The email address doesn't exist"),
    DeliveryEvent.Severity.SOFT: _("Only this message"),
    DeliveryEvent.Severity.UNDETERMINED: _("Undecided"),
}


@admin.register(DeliveryEvent)
class DeliveryEventAdmin(IndexedSearchAdmin):
    list_display = ["state", "recipient", "response", "provider", "occurred_at", "received_at"]
    list_display_links = ["state", "recipient"]
    list_filter = [
        ("type", choice_filter(_("event"), states.EVENTS, ChoiceFilter)),
        ("severity", choice_filter(_("bounce"), SEVERITIES, ChoiceFilter)),
        "received_at",
    ]
    ordering = ["-received_at"]
    sortable_by = ()
    newest_by = "received_at"
    search_fields = ["recipient", "detail"]
    search_help_text = _(
        "Search by email address, our ID of the email, or the provider's. Parts of email addresses, and words of the "
        "response, are found among the newest 10,000 events."
    )
    empty_text = _(
        "Here you see what providers report about emails, such as a bounce. Nothing has been reported yet: check the "
        "webhook at the provider (README: Send real email)."
    )
    fieldsets = [
        (None, {"fields": ["recipient", "detail", "severity", "occurred_at", "received_at"]}),
        (_("Details"), {"fields": ["provider", "provider_message_id", "cause"], "classes": ["collapse"]}),
        (_("As received"), {"fields": ["raw_form"], "classes": ["collapse"]}),
    ]
    readonly_fields = ["raw_form"]

    def found_by_index(self, queryset: QuerySet[DeliveryEvent], word: str) -> list[Any]:
        """Return the newest events at this address, and the events of messages with this ID, ours or the provider's."""
        messages = OutboundEmail.objects.filter(provider_message_id=word)[:MAX_LISTED].values_list("pk", flat=True)
        queries = [
            queryset.filter(recipient=readable_address(word)).order_by("-occurred_at"),
            queryset.filter(email__in=[*messages, *filter(None, [as_uuid(word)])]),
            queryset.filter(email=None, provider_message_id=word),
        ]
        return [*chain.from_iterable(map(first_keys, queries))]

    def summary(self, request: HttpRequest, row: DeliveryEvent) -> Summary:
        return Summary(states.event_state(row), *summaries.event_words(row), facts=[*self.facts(row)])

    def facts(self, event: DeliveryEvent) -> Iterator[tuple[Any, Any]]:
        email = OutboundEmail.objects.filter(pk=event.email_id).defer("content").first() if event.email_id else None
        # Other systems may send through the same provider account, and their events arrive here as well.
        yield _("Email"), links.to_row(email) if email else gettext("not in the outbox")
        if event.recipient:
            yield _("Recipient"), links.to_list(OutboundEmail, event.recipient, event.recipient)
            if Suppression.objects.filter(address=event.recipient).exists():
                yield _("Suppression"), links.to_list(Suppression, event.recipient, gettext("is suppressed"))

    @admin.display(description=_("event"))
    def state(self, event: DeliveryEvent) -> SafeString:
        return states.event_state(event).badge

    @admin.display(description=_("response"), empty_value="")
    def response(self, event: DeliveryEvent) -> str:
        return truncatechars(event.detail, COLUMN_WIDTH * 2)

    @admin.display(description=_("payload"))
    def raw_form(self, event: DeliveryEvent) -> SafeString | str:
        return gettext("no longer stored") if event.raw is None else preformatted(event.raw)
