"""Badges, intervals, invoice links, and what a person may do, in templates: ``{% load billing %}``."""

from typing import Any

from django import template

from billing.pages import display
from billing.services.changes.requests import refused_later
from billing.services.changes.rules import abilities_of
from common.money import format_amount

register = template.Library()
register.simple_tag(display.subscription_badge)
register.simple_tag(display.payment_badge)
register.filter("period", display.period)
register.filter("invoice_link", display.invoice_link)
register.filter("invoice_label", display.invoice_label)
register.filter("money", format_amount)
register.filter("adjustment_name", display.adjustment_name)


@register.inclusion_tag("billing/subscription_actions.html", takes_context=True)
def subscription_actions(context: Any) -> dict[str, Any]:
    """Show what the user may do with their subscription now, and a change that is being processed or was refused."""
    user = context["request"].user
    values = {"abilities": abilities_of(user), "refused": refused_later(user=user)}
    return values | {name: context.get(name) for name in ("request", "csrf_token", "has_portal")}
