"""Badges, intervals, and links to invoices in templates: ``{% load billing %}``."""

from django import template

from billing.pages import display

register = template.Library()
register.simple_tag(display.subscription_badge)
register.simple_tag(display.payment_badge)
register.filter("period", display.period)
register.filter("invoice_link", display.invoice_link)
register.filter("invoice_label", display.invoice_label)
