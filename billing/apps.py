"""The billing app, and what it adds to accounts."""

from django.apps import AppConfig
from django.db.models.signals import pre_delete
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        from accounts import registries  # noqa: PLC0415  # it needs the models, as those below do
        from billing import checks, panels, people  # noqa: F401, PLC0415

        pre_delete.connect(people.forget, sender="accounts.User", dispatch_uid="billing.forget")
        registries.timeline_sources.append(people.timeline)
        registries.deletion_guards.append(people.guard_deletion)
        registries.export_sources |= {
            "stripe_customers": people.export_customers,
            "subscriptions": people.export_subscriptions,
            "payments": people.export_payments,
            "stripe_events": people.export_events,
        }
        registries.dashboard_panels.append(panels.plan_panel)
        registries.navigation_links.append(registries.NavigationLink("billing-pages:billing", _("Billing")))
