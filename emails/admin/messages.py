"""Messages: search by address, an explanation for each, and actions to retry, cancel, or resend it."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import truncatechars
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common import links
from common.actions import ActionRefused
from common.admin import IndexedSearchAdmin, RowActionsAdmin, admin_log_entries, preformatted
from common.filters import choice_filter
from common.html_frame import framed_html
from common.lists import MAX_LISTED, as_uuid, first_keys
from common.summaries import Summary
from emails.admin.filters import ChoiceFilter, KindFilter, ProviderFilter
from emails.errors import InvalidMessage
from emails.message.address import Address
from emails.models import DeliveryAttempt, DeliveryEvent, OutboundEmail, ProviderState
from emails.support import display, states
from emails.support.actions import ACTIONS, RESENT_FROM, MessageAction, offered_actions
from emails.support.explanations import explain
from emails.support.history import HistoryEntry, history

COLUMN_WIDTH = 50  # characters
MAX_ADDRESSES = 20  # that the summary links
MAIN_HEADERS = ("From", "To", "Cc", "Bcc", "Subject", "Attachment")


@admin.register(OutboundEmail)
class OutboundEmailAdmin(RowActionsAdmin, IndexedSearchAdmin):
    list_display = ["state", "to", "short_subject", "kind_name", "created_at", "sent_at"]
    list_display_links = ["state", "to"]
    list_filter = [
        ("status", choice_filter(_("status"), states.STATUSES, ChoiceFilter)),
        ("reason", choice_filter(_("problem"), states.REASONS, ChoiceFilter)),
        KindFilter,
        ProviderFilter,
        "created_at",
    ]
    sortable_by = ["created_at"]  # the only column with an index of its own
    search_fields = ["recipients", "subject", "provider_message_id", "idempotency_key"]
    search_help_text = _(
        "Search by email address, by our ID of the email or the provider's, or by idempotency key. Parts of them, and "
        "words of the subject, are found among the newest 10,000 emails."
    )
    empty_text = _("Here you see each email with its state and history. No email has been queued yet.")
    row_actions = ACTIONS
    actions = ["retry", "retry_even_twice", "cancel", "resend"]
    fieldsets = [
        (
            _("Details"),
            {
                "fields": [
                    "id",
                    "provider_message_id",
                    "provider",
                    "kind",
                    "priority",
                    "sensitive",
                    "created_at",
                    "due_at",
                    "sent_at",
                    "settled_at",
                    "expires_at",
                    "detail",
                    "idempotency_key",
                    "metadata_lines",
                    "failures",
                    "first_failed_at",
                    "crashes",
                    "isolated",
                ],
                "classes": ["collapse"],
            },
        ),
    ]
    readonly_fields = ["id", "metadata_lines"]
    shown_with = {"metadata_lines": "metadata"}

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

    @admin.display(description=_("to"))
    def to(self, email: OutboundEmail) -> str:
        return truncatechars(email.recipients, COLUMN_WIDTH)

    @admin.display(description=_("subject"))
    def short_subject(self, email: OutboundEmail) -> str:
        return truncatechars(email.subject, COLUMN_WIDTH)

    @admin.display(description=_("kind"))
    def kind_name(self, email: OutboundEmail) -> str:
        return email.kind.replace("_", " ") or gettext("other")

    @admin.display(description=_("status"))
    def state(self, email: OutboundEmail) -> SafeString:
        return states.state_of(email).badge

    @admin.display(description=_("metadata"))
    def metadata_lines(self, email: OutboundEmail) -> SafeString | str:
        return preformatted(email.metadata) if email.metadata else "-"

    def offered_actions(self, row: OutboundEmail) -> dict[str, MessageAction]:
        return offered_actions(row)

    def summary(self, request: HttpRequest, row: OutboundEmail) -> Summary:
        explanation = explain(row)
        provider = ProviderState(name=explanation.provider)
        link = links.to_row(provider, gettext("State of %s") % provider) if explanation.provider else ""
        return Summary(states.state_of(row), explanation.sentence, explanation.advice, [*facts(row)], link)

    def page_context(self, request: HttpRequest, row: OutboundEmail) -> dict[str, Any]:
        """Return the message, its history, and the parts that staff may read."""
        message = display.readable_message(row)
        lines = display.header_lines(message) if message else []
        return {
            **super().page_context(request, row),
            "email": row,
            "history": sorted([*history(row), *changes_by_hand(row)], key=lambda entry: entry.at),
            "message": message,
            "main_lines": [line for line in lines if line[0] in MAIN_HEADERS],
            "other_lines": [line for line in lines if line[0] not in MAIN_HEADERS],
            "frame_url": reverse("admin:emails_outboundemail_html", args=[row.pk]),
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


def facts(email: OutboundEmail) -> Iterator[tuple[Any, Any]]:
    """Yield who and what the message is about, with links to everything related."""
    if email.recipients:
        addresses = [links.to_list(OutboundEmail, word, word) for word in email.recipients.split()[:MAX_ADDRESSES]]
        yield _("To"), format_html_join(" ", "{}", ((address,) for address in addresses))
    if email.person and (url := user_url(email.person)):
        yield _("Person"), format_html('<a href="{}">{}</a>', url, gettext("everything about this person"))
    if original := email.metadata.get(RESENT_FROM):
        url = reverse("admin:emails_outboundemail_change", args=[original])
        yield _("Copy"), format_html(gettext('a copy of <a href="{}">{}</a> that a staff member resent'), url, original)
    yield _("Kind"), email.kind.replace("_", " ") or gettext("other email")
    yield (
        _("Related"),
        format_html(
            "{}, {}",
            links.to_list(DeliveryAttempt, str(email.pk), gettext("attempts")),
            links.to_list(DeliveryEvent, str(email.pk), gettext("delivery events")),
        ),
    )


def user_url(person: str) -> str:
    """Return the path of the user's page in the admin, or an empty string if the project has no such page."""
    options = get_user_model()._meta
    try:
        return reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[quote(person)])
    except NoReverseMatch:
        return ""


def changes_by_hand(email: OutboundEmail) -> list[HistoryEntry]:
    return [HistoryEntry("manual change", entry.at, entry.text) for entry in admin_log_entries(email)]
