"""What is for sale, as the pages show it: plans as cards, with a switch between their intervals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.models import User
from billing.access import plan_of
from billing.models import Subscription
from billing.pages.display import period
from billing.plans import AddOn, Plan, Price, Product, all_add_ons, all_plans, all_products
from billing.seats import smallest_quantity
from billing.services.trials import has_had_trial

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Person = User | AnonymousUser
Interval = tuple[str, int]

MAX_TEXT = 64  # of what a URL may name
INTERVAL_NAMES: "Mapping[Interval, StrOrPromise]" = {
    ("day", 1): pgettext_lazy("interval", "Daily"),
    ("week", 1): pgettext_lazy("interval", "Weekly"),
    ("month", 1): pgettext_lazy("interval", "Monthly"),
    ("month", 3): pgettext_lazy("interval", "Quarterly"),
    ("year", 1): pgettext_lazy("interval", "Yearly"),
}
# Intervals whose lengths can be compared exactly, in a common unit.
LENGTHS = {"day": ("day", 1), "week": ("day", 7), "month": ("month", 1), "year": ("month", 12)}
NOT_SET_UP = gettext_lazy("Payments aren't set up yet, so nothing can be bought here. Set STRIPE_SECRET_KEY in .env.")
PLACEHOLDERS = gettext_lazy(
    "Some prices are still placeholders, so they can't be bought. Put your price IDs into settings/plans.py: %(names)s."
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One side of the switch between intervals."""

    name: "StrOrPromise"
    query: str
    is_selected: bool


@dataclass(frozen=True, slots=True)
class Extra:
    """An add-on, with its price beside the plan, or a product."""

    offer: AddOn | Product
    price: Price

    @property
    def is_for_sale(self) -> bool:
        return can_be_bought(self.price)


@dataclass(frozen=True, slots=True)
class PlanCard:
    """A plan for one person. ``saving`` is in percent, compared with the plan's shortest interval."""

    plan: Plan
    price: Price | None
    saving: int
    trial_days: int
    quantity: int
    add_ons: Sequence[Extra]
    is_current: bool
    is_chosen: bool

    @property
    def is_for_sale(self) -> bool:
        return self.price is not None and can_be_bought(self.price)

    @property
    def billing_url(self) -> str:
        """The billing page, which offers this plan."""
        url = reverse("billing-pages:billing")
        return url if self.price is None else f"{url}?{urlencode({'plan': self.plan.slug, **query_of(self.price)})}"

    @property
    def sign_up_url(self) -> str:
        """Where a visitor gets an account. After that, the billing page offers this plan."""
        return f"{reverse('pages:signup')}?{urlencode({'next': self.billing_url})}"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Everything that a page offers to one person."""

    cards: Sequence[PlanCard]
    choices: Sequence[Choice]
    products: Sequence[Extra]
    problem: "StrOrPromise"
    has_tax: bool

    @property
    def chosen(self) -> PlanCard | None:
        return next((card for card in self.cards if card.is_chosen), None)


def shelf_for(user: Person, query: Mapping[str, str]) -> Shelf:
    """Return what is for sale, in the interval that the URL names, or else in the first one."""
    plans = all_plans()
    intervals = list(dict.fromkeys(interval for plan in plans for interval in plan.periods))
    selected = selected_interval(query, intervals)
    return Shelf(
        cards=cards_for(user, plans, selected, query.get("plan", "")[:MAX_TEXT]),
        choices=choices_of(intervals, selected),
        products=[Extra(product, product.prices[0]) for product in all_products() if product.prices],
        problem=problem_in_setup(),
        has_tax=bool(settings.BILLING_CHECKOUT["automatic_tax"]),
    )


def cards_for(user: Person, plans: Sequence[Plan], selected: Interval, chosen: str) -> list[PlanCard]:
    current = plan_of(user)
    may_try = any(plan.trial_days for plan in plans) and not (isinstance(user, User) and has_had_trial(user))
    return [
        PlanCard(
            plan=plan,
            price=(price := plan.price_for(*selected) or plan.first_price),
            saving=saving_of(plan, price),
            trial_days=plan.trial_days if may_try else 0,
            quantity=smallest_quantity(plan, user) if isinstance(user, User) else 1,
            add_ons=add_ons_beside(price),
            is_current=current is not None and current.slug == plan.slug,
            is_chosen=plan.slug == chosen and not plan.is_free,
        )
        for plan in plans
    ]


def selected_interval(query: Mapping[str, str], intervals: Sequence[Interval]) -> Interval:
    count = query.get("interval_count", "1")
    wanted = [interval for interval in intervals if (interval[0], str(interval[1])) == (query.get("interval"), count)]
    return next(iter([*wanted, *intervals]), ("month", 1))


def choices_of(intervals: Sequence[Interval], selected: Interval) -> list[Choice]:
    """Return the switch, or nothing if there is only one interval."""
    prices = [Price("", 0, "", *interval) for interval in intervals]
    choices = [Choice(name_of(price), urlencode(query_of(price)), key_of(price) == selected) for price in prices]
    return choices if len(choices) > 1 else []


def name_of(price: Price) -> "StrOrPromise":
    return INTERVAL_NAMES.get(key_of(price)) or period(price)


def key_of(price: Price) -> Interval:
    return price.interval, price.interval_count


def query_of(price: Price) -> dict[str, str | int]:
    """Return what a URL says about the price's interval."""
    count = {} if price.interval_count == 1 else {"interval_count": price.interval_count}
    return {"interval": price.interval, **count}


def saving_of(plan: Plan, price: Price | None) -> int:
    """Return how many percent the price saves, rounded down, compared with the shortest interval of its unit."""
    if price is None:
        return 0
    unit, length = length_of(price)
    others = [other for other in plan.prices if length_of(other)[0] == unit and other.amount]
    base = min(others, key=lambda other: length_of(other)[1], default=price)
    full, paid = base.amount * length, price.amount * length_of(base)[1]
    return max((full - paid) * 100 // full, 0) if full else 0


def length_of(price: Price) -> tuple[str, int]:
    unit, length = LENGTHS[price.interval]
    return unit, length * price.interval_count


def add_ons_beside(price: Price | None) -> list[Extra]:
    if price is None:
        return []
    pairs = ((add_on, add_on.price_beside(price)) for add_on in all_add_ons())
    return [Extra(add_on, found) for add_on, found in pairs if found and can_be_bought(found)]


def can_be_bought(price: Price) -> bool:
    return bool(settings.STRIPE_SECRET_KEY) and not price.is_placeholder


def problem_in_setup() -> str:
    """Return what the developer still has to do before anything can be bought. In production, it is a system check."""
    if not settings.DEBUG:
        return ""
    if not settings.STRIPE_SECRET_KEY:
        return str(NOT_SET_UP)
    names = ", ".join(placeholders())
    return str(PLACEHOLDERS) % {"names": names} if names else ""


def placeholders() -> Iterator[str]:
    for offer in [*all_plans(), *all_add_ons(), *all_products()]:
        if any(price.is_placeholder for price in offer.prices):
            yield offer.name


def has_live_subscription(user: Person) -> bool:
    return isinstance(user, User) and Subscription.objects.of(user.pk).live().exists()


def home_section(request: HttpRequest) -> str:
    """Return the HTML of the plans on the home page, or an empty string if nothing is sold."""
    shelf = shelf_for(request.user, request.GET)
    context = {"shelf": shelf, "is_subscribed": has_live_subscription(request.user), "is_showcase": True}
    return render_to_string("billing/home_section.html", context, request) if shelf.cards else ""
