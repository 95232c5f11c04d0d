"""Messages: search by address, an explanation for each, and actions to retry, cancel, or resend it."""

from collections import Counter
from itertools import chain
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import truncatechars
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from common.actions import ActionRefused
from common.admin import IndexedSearchAdmin, RowActionsAdmin, admin_log_entries, to_the_second
from common.html_frame import framed_html
from common.lists import MAX_LISTED, as_uuid, first_keys
from emails.admin.filters import ChoiceFilter, KindFilter, ProviderFilter
from emails.errors import InvalidMessage
from emails.message.address import Address
from emails.models import OutboundEmail
from emails.support import display
from emails.support.actions import ACTIONS, RESENT_FROM, MessageAction, offered_actions
from emails.support.explanations import explain
from emails.support.history import HistoryEntry, history

COLUMN_WIDTH = 50  # characters


@admin.register(OutboundEmail)
class OutboundEmailAdmin(RowActionsAdmin, IndexedSearchAdmin):
    list_display = ["created", "state", "to", "kind", "short_subject", "sent"]
    list_display_links = ["created", "to"]
    list_filter = [("status", ChoiceFilter), ("reason", ChoiceFilter), KindFilter, ProviderFilter, "created_at"]
    sortable_by = ["created"]  # the only column with an index of its own
    search_fields = ["recipients", "subject", "provider_message_id", "idempotency_key"]
    search_help_text = _(
        "Search by email address, our ID, provider message ID, or idempotency key. Parts of them, and words of the "
        "subject, are found among the newest 10,000 messages."
    )
    row_actions = ACTIONS
    actions = ["retry", "retry_even_twice", "cancel", "resend"]
    fieldsets = [
        (None, {"fields": ["state", "detail", "provider", "provider_message_id"]}),
        (_("Times"), {"fields": ["created_at", "due_at", "sent_at", "settled_at", "expires_at"]}),
        (
            _("Details"),
            {
                "fields": [
                    "id",
                    "idempotency_key",
                    "sensitive",
                    "metadata",
                    "failures",
                    "first_failed_at",
                    "crashes",
                    "isolated",
                ],
                "classes": ["collapse"],
            },
        ),
    ]
    readonly_fields = ["id", "state"]

    class Media:
        css = {"all": ["emails/message.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboundEmail]:
        # Bodies can be megabytes, and the list shows none of them.
        return super().get_queryset(request).defer("content")

    def found_by_index(self, queryset: Any, word: str) -> list[UUID]:
        """Return the newest messages with this address in To, Cc, or Bcc, or with this ID or key."""
        queries = [queryset.filter(provider_message_id=word), queryset.filter(idempotency_key=word)]
        if (key := as_uuid(word)) is not None:
            queries.append(queryset.filter(pk=key))
        by_address = queryset.newest_to_address(readable_address(word), MAX_LISTED)
        return [*by_address, *chain.from_iterable(map(first_keys, queries))]

    @admin.display(description=_("created"), ordering="created_at")
    def created(self, email: OutboundEmail) -> str:
        return to_the_second(email.created_at)

    @admin.display(description=_("sent"), empty_value="")
    def sent(self, email: OutboundEmail) -> str | None:
        return to_the_second(email.sent_at) if email.sent_at else None

    @admin.display(description=_("to"))
    def to(self, email: OutboundEmail) -> str:
        return truncatechars(email.recipients, COLUMN_WIDTH)

    @admin.display(description=_("subject"))
    def short_subject(self, email: OutboundEmail) -> str:
        return truncatechars(email.subject, COLUMN_WIDTH)

    @admin.display(description=_("status"))
    def state(self, email: OutboundEmail) -> str:
        return f"{email.status} ({email.reason})" if email.reason else email.status

    def offered_actions(self, row: OutboundEmail) -> dict[str, MessageAction]:
        return offered_actions(row)

    def page_context(self, request: HttpRequest, row: OutboundEmail) -> dict[str, Any]:
        """Return the message, its explanation and history, and the parts that staff may read."""
        message = display.readable_message(row)
        return {
            **super().page_context(request, row),
            "email": row,
            "explanation": explain(row),
            "history": sorted([*history(row), *changes_by_hand(row)], key=lambda entry: entry.at),
            "message": message,
            "header_lines": display.header_lines(message) if message else [],
            "frame_url": reverse("admin:emails_outboundemail_html", args=[row.pk]),
            "resent_from": row.metadata.get(RESENT_FROM),
        }

    def get_urls(self) -> list[URLPattern]:
        # The body needs a URL of its own. In a srcdoc frame it would inherit the policy of the admin's page.
        view = self.admin_site.admin_view(self.html_view)
        return [path("<uuid:pk>/html/", view, name="emails_outboundemail_html"), *super().get_urls()]

    def html_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        email = get_object_or_404(OutboundEmail, pk=pk)
        if not self.has_view_permission(request, email):
            raise PermissionDenied
        message = display.readable_message(email)
        if message is None or not message.html:
            raise Http404("This message has no HTML to show.")
        return framed_html(message.html)

    @admin.action(description=_("Retry now"), permissions=["operate"])
    def retry(self, request: HttpRequest, emails: QuerySet[OutboundEmail]) -> None:
        self.operate_on_all(request, emails, "retry")

    @admin.action(description=_("Retry (may arrive twice)"), permissions=["operate"])
    def retry_even_twice(self, request: HttpRequest, emails: QuerySet[OutboundEmail]) -> None:
        self.operate_on_all(request, emails, "retry_even_twice")

    @admin.action(description=_("Cancel"), permissions=["operate"])
    def cancel(self, request: HttpRequest, emails: QuerySet[OutboundEmail]) -> None:
        self.operate_on_all(request, emails, "cancel")

    @admin.action(description=_("Resend a copy"), permissions=["operate"])
    def resend(self, request: HttpRequest, emails: QuerySet[OutboundEmail]) -> None:
        self.operate_on_all(request, emails, "resend")

    def operate(self, request: HttpRequest, row: OutboundEmail, name: str) -> Any:
        # Staff could otherwise change someone's email address and then stop the link that undoes the change.
        if name == "cancel" and row.sensitive and not request.user.is_superuser:
            raise ActionRefused("It contains a link that its recipient may need. Only a superuser can cancel it.")
        return super().operate(request, row, name)

    def operate_on_all(self, request: HttpRequest, emails: QuerySet[OutboundEmail], name: str) -> None:
        """Perform the action on each message in a transaction of its own, so a refusal does not affect the others.

        The results are shown as counts, because one line per message would fill the page.
        """
        refusals: Counter[str] = Counter()
        for email in emails:
            try:
                self.operate(request, email, name)
            except ActionRefused as refusal:
                refusals[str(refusal)] += 1
        done = len(emails) - refusals.total()
        if done:
            messages.success(request, f"{ACTIONS[name].done} ({done})")
        for sentence, count in refusals.items():
            messages.error(request, f"{count} not changed: {sentence}")


def readable_address(word: str) -> str:
    """Return the address as recipients are stored: in lowercase, with the domain in ASCII."""
    try:
        return Address.parse(word).email.lower()
    except InvalidMessage:
        return word.lower()


def changes_by_hand(email: OutboundEmail) -> list[HistoryEntry]:
    return [HistoryEntry("manual change", entry.at, entry.text) for entry in admin_log_entries(email)]
