"""The form on which a person chooses another plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.models import Subscription
from billing.plans import Plan, Price, all_add_ons, all_plans
from billing.services.changes.targets import Choice
from common.pages import PageForm

MAX_QUANTITY = 1_000_000


class ChangeForm(PageForm):
    """Plan and interval in one field, and seats and add-ons if something here has them."""

    offer = forms.ChoiceField(label=_("Plan"), widget=forms.RadioSelect)
    quantity = forms.IntegerField(
        label=_("Seats"),
        help_text=_("Only for plans that are priced per seat."),
        required=False,
        min_value=1,
        max_value=MAX_QUANTITY,
    )
    add_ons = forms.MultipleChoiceField(label=_("Add-ons"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, data: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(data, **options)
        self.plans = {option_of(plan, price): (plan, price) for plan in all_plans() for price in plan.prices or (None,)}
        self.fields["offer"].choices = [(option, option) for option in self.plans]  # type: ignore[attr-defined]
        if not any(plan.seats for plan, _price in self.plans.values()):
            del self.fields["quantity"]
        if add_ons := all_add_ons():
            self.fields["add_ons"].choices = [(a.slug, a.name) for a in add_ons]  # type: ignore[attr-defined]
        else:
            del self.fields["add_ons"]

    @property
    def choice(self) -> Choice:
        """What the person chose. Seats count only for a plan that has them."""
        plan, price = self.plans[self.cleaned_data["offer"]]
        return Choice(
            plan=plan.slug,
            interval=price.interval if price else None,
            interval_count=price.interval_count if price else None,
            quantity=self.cleaned_data.get("quantity") if plan.seats else None,
            add_ons=self.cleaned_data["add_ons"] if "add_ons" in self.fields else None,
        )


class ConfirmForm(PageForm):
    """A form without fields: its button is enough."""


@dataclass(frozen=True, slots=True)
class Option:
    """A plan at one of its prices, as the page offers it. ``price`` is None for a free plan."""

    value: str
    plan: Plan
    price: Price | None
    is_current: bool
    is_chosen: bool


def options_of(form: ChangeForm, subscription: Subscription) -> list[Option]:
    """Return what the page offers. What the person has now is preselected. Prices without an ID aren't for sale."""
    chosen = form.data.get("offer", "")
    paid = (subscription.interval, subscription.interval_count or 1)
    options = []
    for value, (plan, price) in form.plans.items():
        is_current = plan == subscription.plan and price is not None and (price.interval, price.interval_count) == paid
        is_chosen = value == chosen if chosen else is_current
        if price is None or not price.is_placeholder:
            options.append(Option(value, plan, price, is_current, is_chosen))
    return options


def option_of(plan: Plan, price: Price | None) -> str:
    """Return the value of the field for this plan and interval."""
    return f"{plan.slug}-{price.interval}-{price.interval_count}" if price else plan.slug
