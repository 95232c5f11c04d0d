"""The billing app, and what it adds to accounts."""

from django.apps import AppConfig
from django.db.models.signals import pre_delete


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        from accounts import registries  # noqa: PLC0415  # it needs the models, as those below do
        from billing import checks, people  # noqa: F401, PLC0415

        pre_delete.connect(people.forget, sender="accounts.User", dispatch_uid="billing.forget")
        registries.timeline_sources.append(people.timeline)
        registries.deletion_guards.append(people.guard_deletion)
        registries.export_sources |= {
            "stripe_customers": people.export_customers,
            "subscriptions": people.export_subscriptions,
            "payments": people.export_payments,
            "stripe_events": people.export_events,
        }
