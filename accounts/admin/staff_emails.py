"""Staff write an email to a person: the form, the preview, and the button that sends it.

What they wrote is kept in their session until it is sent, because the preview's HTML needs a URL of its own.
"""

from dataclasses import asdict
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from accounts.admin.limits import refusal
from accounts.admin.staff_log import log_message, was_sent
from accounts.hooks import StaffEmail
from accounts.mail import STAFF_MESSAGE, support_sender
from accounts.models import User
from accounts.services.staff_emails import (
    FREE_TEXT,
    Draft,
    refusal_to_email,
    staff_email_of,
    staff_emails,
)
from common.actions import ActionRefused
from common.admin import RowActionsAdmin
from common.html_frame import framed_html
from emails import privacy

DRAFTS = "staff_emails"  # in the session, by token
MAX_DRAFTS = 5
SCOPE = "staff_email"
SENT = "The email was sent."
GONE = "This draft has been sent or is too old. Write the email again."


class ComposeForm(forms.Form):
    subject = forms.CharField(max_length=150)
    text = forms.CharField(
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 12}),
        help_text="Plain text. Blank lines separate paragraphs, and web addresses become links. The greeting and the "
        "footer are added.",
    )

    def clean_subject(self) -> str:
        return self.printable("subject", "")

    def clean_text(self) -> str:
        self.cleaned_data["text"] = self.cleaned_data["text"].replace("\r\n", "\n").replace("\r", "\n")
        return self.printable("text", "\n\t")

    def printable(self, field: str, allowed: str) -> str:
        value = str(self.cleaned_data[field])
        if any(ord(character) < ord(" ") and character not in allowed for character in value):
            raise ValidationError("Remove the control characters.")
        return value


def compose_page(admin: RowActionsAdmin, request: HttpRequest, user: User) -> HttpResponse:
    """Show the form and the emails that can be sent. A POST prepares one of them and leads to its preview."""
    if request.method == "POST" and "name" in request.POST:
        if request.POST["name"] not in [email.name for email in staff_emails(user)]:
            raise Http404("There is no such email for this person.")
        return to_preview(user, keep(request, user, Draft(str(uuid4()), request.POST["name"])))
    draft = kept(request, user, request.GET.get("draft", ""))
    form = ComposeForm(request.POST if request.method == "POST" else None, initial=asdict(draft) if draft else None)
    if form.is_valid():
        return to_preview(user, keep(request, user, Draft(str(uuid4()), FREE_TEXT, **form.cleaned_data)))
    offered = [(email, refusal_to_email(user, email.kind)) for email in staff_emails(user)]
    return page(admin, request, user, "compose", form=form, offered=offered, **about(user, STAFF_MESSAGE))


def preview_page(admin: RowActionsAdmin, request: HttpRequest, user: User, token: UUID) -> HttpResponse:
    """Show what will be sent. A POST sends it, once."""
    # First, because a second click comes when the draft is gone.
    if request.method == "POST" and was_sent(user, str(token)):
        return done(request, user, str(token))
    draft, email = prepared(request, user, token)
    if draft is None or email is None:
        messages.error(request, GONE)
        return redirect("admin:accounts_user_email", user.pk)
    refused = refusal_to_email(user, email.kind)
    if request.method == "POST" and not refused:
        refused = refusal(request, SCOPE, user.email) or send(admin, request, user, email, draft)
        if not refused:
            return done(request, user, str(token))
    parts = email.render() if email.render else None
    context = {"draft": draft, "email": email, "parts": parts, **about(user, email.kind), "refused": refused}
    return page(admin, request, user, "preview", **context)


def preview_frame(request: HttpRequest, user: User, token: UUID) -> HttpResponse:
    _, email = prepared(request, user, token)
    if email is None or email.render is None:
        raise Http404(GONE)
    return framed_html(email.render().html)


def prepared(request: HttpRequest, user: User, token: UUID) -> tuple[Draft | None, StaffEmail | None]:
    draft = kept(request, user, str(token))
    return draft, staff_email_of(user, draft) if draft else None


@transaction.atomic
def send(admin: RowActionsAdmin, request: HttpRequest, user: User, email: StaffEmail, draft: Draft) -> str:
    """Send the email unless its form was submitted before, and log it. Returns a refusal, or an empty string."""
    # Two clicks come from one member of staff, whose row makes one wait for the other.
    User.objects.select_for_update().filter(pk=request.user.pk or 0).first()
    if was_sent(user, draft.token):
        return ""
    try:
        email.send(again=draft.token)
    except ActionRefused as reason:
        return str(reason)
    queued = privacy.emails_of(str(user.pk)).filter(kind=email.kind).first()
    message = log_message(draft.subject or email.label, message_id=str(queued.pk) if queued else "", token=draft.token)
    admin.log_change(request, user, message)
    return ""


def done(request: HttpRequest, user: User, token: str) -> HttpResponse:
    request.session[DRAFTS] = {key: draft for key, draft in request.session.get(DRAFTS, {}).items() if key != token}
    messages.success(request, SENT)
    return redirect("admin:accounts_user_change", user.pk)


def to_preview(user: User, draft: Draft) -> HttpResponse:
    return redirect("admin:accounts_user_email_preview", user.pk, draft.token)


def about(user: User, kind: str) -> dict[str, Any]:
    """Return who the email is from and to, and why it can't be sent."""
    is_written = kind == STAFF_MESSAGE
    return {
        "sender": support_sender() if is_written else settings.DEFAULT_FROM_EMAIL,
        "reply_to": settings.SUPPORT_EMAIL if is_written else "",
        "refused": refusal_to_email(user, kind),
        "language_name": dict(settings.LANGUAGES).get(user.language, user.language),
    }


def page(admin: RowActionsAdmin, request: HttpRequest, user: User, name: str, **context: Any) -> HttpResponse:
    shared = {**admin.admin_site.each_context(request), "opts": admin.opts, "original": user, "subtitle": str(user)}
    title = "Write an email" if name == "compose" else "Preview of the email"
    person_url = reverse("admin:accounts_user_change", args=[user.pk])
    context = {**shared, "title": title, "media": admin.media, "person_url": person_url, **context}
    status = 400 if "form" in context and context["form"].errors else 200
    return TemplateResponse(request, f"admin/accounts/user/email_{name}.html", context, status=status)


# Drafts


def keep(request: HttpRequest, user: User, draft: Draft) -> Draft:
    drafts = request.session.get(DRAFTS, {})
    newest = [*drafts.items()][-(MAX_DRAFTS - 1) :]
    request.session[DRAFTS] = {**dict(newest), draft.token: {"user": user.pk, **asdict(draft)}}
    return draft


def kept(request: HttpRequest, user: User, token: str) -> Draft | None:
    found = dict(request.session.get(DRAFTS, {}).get(token) or {})
    return Draft(**found) if found.pop("user", None) == user.pk else None
