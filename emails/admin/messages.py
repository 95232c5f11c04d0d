"""Messages: found by address, explained in a sentence, retried, cancelled or sent again."""

from collections import Counter
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import truncatechars
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from common.admin import ReadOnlyAdmin, to_the_second
from emails.admin.filters import KindFilter, ProviderFilter
from emails.models import OutboundEmail
from emails.support import display
from emails.support.actions import OPERATIONS, RESENT_FROM, OperationRefused, offered_operations
from emails.support.explanations import explain
from emails.support.history import Event, history

COLUMN = 50  # characters


@admin.register(OutboundEmail)
class OutboundEmailAdmin(ReadOnlyAdmin):
    list_display = ["created", "state", "to", "kind", "short_subject", "sent"]
    list_display_links = ["created", "to"]
    list_filter = ["status", "reason", KindFilter, ProviderFilter, "created_at"]
    search_fields = ["recipients", "subject", "provider_message_id", "idempotency_key", "id"]
    search_help_text = _("Search by email address, subject, provider message ID, our ID, or idempotency key")
    show_full_result_count = False
    actions = ["retry", "retry_even_twice", "cancel", "resend"]
    fieldsets = [
        (None, {"fields": ["state", "detail", "provider", "provider_message_id"]}),
        (_("Times"), {"fields": ["created_at", "due_at", "sent_at", "settled_at", "expires_at"]}),
        (
            _("Details"),
            {
                "fields": [
                    "id", "idempotency_key", "sensitive", "metadata",
                    "failures", "first_failed_at", "crashes", "isolated",
                ],
                "classes": ["collapse"],
            },
        ),
    ]  # fmt: skip
    readonly_fields = ["id", "state"]

    class Media:
        css = {"all": ["emails/message.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboundEmail]:
        return super().get_queryset(request).defer("content")

    @admin.display(description=_("created"), ordering="created_at")
    def created(self, email: OutboundEmail) -> str:
        return to_the_second(email.created_at)

    @admin.display(description=_("sent"), ordering="sent_at", empty_value="")
    def sent(self, email: OutboundEmail) -> str | None:
        return to_the_second(email.sent_at) if email.sent_at else None

    @admin.display(description=_("to"), ordering="recipients")
    def to(self, email: OutboundEmail) -> str:
        return truncatechars(email.recipients, COLUMN)

    @admin.display(description=_("subject"), ordering="subject")
    def short_subject(self, email: OutboundEmail) -> str:
        return truncatechars(email.subject, COLUMN)

    @admin.display(description=_("status"), ordering="status")
    def state(self, email: OutboundEmail) -> str:
        return f"{email.status} ({email.reason})" if email.reason else email.status

    # One message

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        email = self.get_object(request, object_id)
        shown = self.describe(request, email) if email and self.has_view_permission(request, email) else {}
        return super().change_view(request, object_id, form_url, {**shown, **(extra_context or {})})

    def describe(self, request: HttpRequest, email: OutboundEmail) -> dict[str, Any]:
        message = display.readable_message(email)
        return {
            "email": email,
            "explanation": explain(email),
            "operations": offered_operations(email) if self.has_operate_permission(request) else {},
            "events": sorted([*history(email), *interventions(email)], key=lambda event: event.at),
            "message": message,
            "header_lines": display.header_lines(message) if message else [],
            "frame_url": reverse("admin:emails_outboundemail_html", args=[email.pk]),
            "resent_from": email.metadata.get(RESENT_FROM),
        }

    def get_urls(self) -> list[URLPattern]:
        protect = self.admin_site.admin_view
        return [
            path("<uuid:pk>/html/", protect(self.html_view), name="emails_outboundemail_html"),
            path("<uuid:pk>/operate/<str:name>/", protect(self.operation_view), name="emails_outboundemail_operate"),
            *super().get_urls(),
        ]

    def html_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        email = get_object_or_404(OutboundEmail, pk=pk)
        if not self.has_view_permission(request, email):
            raise PermissionDenied
        message = display.readable_message(email)
        if message is None or not message.html:
            raise Http404("This message has no HTML to show.")
        return display.frame(message.html)

    @method_decorator(require_POST)
    def operation_view(self, request: HttpRequest, pk: UUID, name: str) -> HttpResponse:
        if name not in OPERATIONS:
            raise Http404("There is no such operation.")
        if not self.has_operate_permission(request):
            raise PermissionDenied
        email = get_object_or_404(OutboundEmail, pk=pk)
        try:
            email = self.operate(request, email, name) or email
            messages.success(request, OPERATIONS[name].done)
        except OperationRefused as refusal:
            messages.error(request, str(refusal))
        return redirect("admin:emails_outboundemail_change", email.pk)

    # Many messages

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

    def operate_on_all(self, request: HttpRequest, emails: QuerySet[OutboundEmail], name: str) -> None:
        """One transaction a message: what one cannot have does not hold up the others."""
        refusals: Counter[str] = Counter()
        for email in emails:
            try:
                self.operate(request, email, name)
            except OperationRefused as refusal:
                refusals[str(refusal)] += 1
        done = len(emails) - refusals.total()
        if done:
            messages.success(request, f"{OPERATIONS[name].done} ({done})")
        for sentence, count in refusals.items():
            messages.error(request, f"{count} not changed: {sentence}")

    @transaction.atomic
    def operate(self, request: HttpRequest, email: OutboundEmail, name: str) -> OutboundEmail | None:
        copy = OPERATIONS[name].perform(email)
        self.log_change(request, email, OPERATIONS[name].done)
        return copy


def interventions(email: OutboundEmail) -> list[Event]:
    """What people did to the message, from the admin's own log."""
    entries = LogEntry.objects.filter(
        content_type=get_content_type_for_model(email), object_id=str(email.pk)
    ).select_related("user")
    return [
        Event("manual change", entry.action_time, f"{entry.user}: {entry.get_change_message()}") for entry in entries
    ]
