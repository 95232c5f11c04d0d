"""The billing app. Its ``ready()`` connects it to accounts, which doesn't import it."""

from django.apps import AppConfig
from django.db.models.signals import pre_delete
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = "Billing"

    def ready(self) -> None:
        """Register the checks, the signal receivers, and what billing adds to the pages and admin of accounts."""
        # These modules import models, which can't be loaded before the app is ready.
        from accounts import hooks  # noqa: PLC0415
        from billing import checks, privacy  # noqa: F401, PLC0415
        from billing.pages import cards, display  # noqa: PLC0415
        from billing.people import emails, facts, timeline  # noqa: PLC0415
        from billing.services import contacts, customers  # noqa: PLC0415
        from billing.signals import customer_found  # noqa: PLC0415
        from billing.webhook import backlog  # noqa: PLC0415

        customer_found.connect(backlog.process_waiting, dispatch_uid="billing.process_waiting")
        pre_delete.connect(privacy.forget, sender="accounts.User", dispatch_uid="billing.forget")
        hooks.timeline_sources.extend(timeline.SOURCES)
        hooks.fact_sources.append(facts.facts)
        hooks.staff_email_sources.append(emails.staff_emails)
        hooks.deletion_guards.append(privacy.guard_deletion)
        hooks.address_receivers.append(customers.request_address_update)
        hooks.name_receivers.append(customers.request_name_update)
        hooks.export_sources |= {
            "stripe_customers": privacy.export_customers,
            "subscriptions": privacy.export_subscriptions,
            "cards": privacy.export_cards,
            "subscription_changes": privacy.export_changes,
            "payments": privacy.export_payments,
            "stripe_events": privacy.export_events,
        }
        hooks.contact_attribute_sources.append(contacts.attributes_of)
        hooks.banners.append(display.due_banner)
        hooks.dashboard_panels.append(display.plan_panel)
        hooks.home_sections.append(cards.home_section)
        hooks.navigation_links.append(hooks.NavigationLink("billing-pages:billing", _("Billing")))
        pricing = hooks.NavigationLink("billing-pages:pricing", _("Pricing"))
        hooks.visitor_links.append(pricing)
        hooks.footer_links.append(pricing)
