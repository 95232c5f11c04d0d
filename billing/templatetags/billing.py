"""Badges, intervals, and invoice links in templates: ``{% load billing %}``."""

from django import template

from billing.pages import display

register = template.Library()
register.simple_tag(display.subscription_badge)
register.simple_tag(display.payment_badge)
register.filter("period", display.period)
