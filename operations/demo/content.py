"""The bodies of demo emails: each kind is rendered once in each language, and then filled in for each person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any

from django.conf import settings

from accounts.models import User
from common.money import Amount
from emails import samples
from emails.message import Address, Message
from emails.models import OutboundEmail
from emails.rendering import RenderedEmail, render_email

NAME, ADDRESS, NUMBER = "Ada Lovelace", "ada@example.com", "8E3F2A91-0001"  # in the samples
AMOUNT = Amount(123_400, "usd")  # in the place of the real one
DIGEST = RenderedEmail(
    "Your projects this week",
    f"Hello {NAME},\n\nThree of your projects changed this week. Log in to see what is new.\n",
    html="",
)
NO_TAX = {"discount": "", "tax": "", "balance": "", "billed_to": [NAME, ADDRESS]}


@dataclass(frozen=True, slots=True)
class Values:
    """What differs from person to person."""

    user: User
    amount: Amount | None = None
    number: str = ""


@dataclass
class Bodies:
    """Renders and caches the bodies."""

    _rendered: dict[tuple[str, str, Amount | None], RenderedEmail] = field(default_factory=dict)

    def fill(self, email: OutboundEmail, values: Values, at: datetime) -> None:
        """Set the subject of the email, and its content."""
        rendered = self._template(email.kind, values.user.language, values.amount) if email.kind else DIGEST
        names = {NAME: values.user.name, ADDRESS: values.user.email, NUMBER: values.number or NUMBER}
        email.subject = filled(rendered.subject, names)
        message = Message(
            id=email.pk,
            from_email=Address.parse(settings.DEFAULT_FROM_EMAIL),
            to=(Address(values.user.name, values.user.email),),
            subject=email.subject,
            text=filled(rendered.text, names),
            html=filled(rendered.html, {key: escape(value) for key, value in names.items()}),
            metadata=tuple(email.metadata.items()),
        )
        email.content = message.to_json()

    def _template(self, kind: str, language: str, amount: Amount | None) -> RenderedEmail:
        key = kind, language, amount
        if key not in self._rendered:
            self._rendered[key] = render_email(kind, context_of(kind, amount), language)
        return self._rendered[key]


def context_of(kind: str, amount: Amount | None) -> dict[str, Any]:
    """Return the kind's sample with this amount, and without anything that wouldn't add up to it."""
    context = samples.sample_context(kind)
    if amount is None:
        return context
    lines = [{"description": context.get("plan") or "Pro", "amount": amount}]
    changes = {**NO_TAX, "lines": lines, "total": amount, "amount": amount}
    return {**context, **{name: value for name, value in changes.items() if name in context}}


def filled(text: str, names: Mapping[str, str]) -> str:
    for placeholder, value in names.items():
        text = text.replace(placeholder, value)
    return text
