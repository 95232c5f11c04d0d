"""Words for the pages of billing: {% load billing %}."""

from django import template

from billing import showing

register = template.Library()
register.simple_tag(showing.subscription_state)
register.simple_tag(showing.payment_state)
register.filter("interval", showing.interval)
register.filter("invoice_link", showing.invoice_link)
