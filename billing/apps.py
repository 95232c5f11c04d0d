"""The billing app, and what it adds to accounts."""

from django.apps import AppConfig
from django.db.models.signals import pre_delete
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        from accounts import hooks  # noqa: PLC0415  # it needs the models, as those below do
        from billing import checks, privacy  # noqa: F401, PLC0415
        from billing.pages import panels  # noqa: PLC0415

        pre_delete.connect(privacy.forget, sender="accounts.User", dispatch_uid="billing.forget")
        hooks.timeline_sources.append(privacy.timeline)
        hooks.deletion_guards.append(privacy.guard_deletion)
        hooks.export_sources |= {
            "stripe_customers": privacy.export_customers,
            "subscriptions": privacy.export_subscriptions,
            "payments": privacy.export_payments,
            "stripe_events": privacy.export_events,
        }
        hooks.dashboard_panels.append(panels.plan_panel)
        hooks.navigation_links.append(hooks.NavigationLink("billing-pages:billing", _("Billing")))
