"""What Stripe accepts when a Checkout session is created: https://docs.stripe.com/api/checkout/sessions/create

The values arrive as text, because the request is a form.
"""

import re
from collections.abc import Mapping

from billing.tests.support.stripe_refusals import Json, refuse_unknown, require

GENERAL = {
    "mode",
    "line_items",
    "customer",
    "client_reference_id",
    "metadata",
    "success_url",
    "cancel_url",
    "locale",
    "allow_promotion_codes",
    "automatic_tax",
    "tax_id_collection",
    "billing_address_collection",
    "customer_update",
}
BY_MODE = {
    "subscription": GENERAL | {"subscription_data", "payment_method_collection"},
    "payment": GENERAL | {"payment_intent_data"},
}
LOCALES = "auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt nb nl pl pt"
LOCALES += " pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW"
ADDRESS_NEEDED = (
    "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address to the "
    "Customer or set either `customer_update[address]` to 'auto' or `customer_update[shipping]` to 'auto'."
)
NAME_NEEDED = (
    "Tax ID collection requires updating business name on the customer. To enable tax ID collection for an existing "
    "customer, please set `customer_update[name]` to `auto`."
)


def new_price(
    price_id: str, amount: int = 2900, currency: str = "usd", interval: str = "month", **values: object
) -> Json:
    """Return a price as Stripe's API does. Without an ``interval``, it is paid once."""
    recurring = {"interval": interval, "interval_count": 1, "usage_type": "licensed", "meter": None}
    product = {"id": f"prod_{price_id}", "object": "product", "active": True, "name": "A product"}
    return {
        "id": price_id,
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "currency": currency,
        "nickname": None,
        "product": product,
        "recurring": recurring if interval else None,
        "type": "recurring" if interval else "one_time",
        "unit_amount": amount,
        **values,
    }


def check_session(parameters: Json, prices: Mapping[str, Json]) -> None:
    """Refuse what Stripe refuses. The customer is checked elsewhere, and has no address yet."""
    mode = parameters.get("mode", "")
    require(mode in BY_MODE, "Invalid mode", param="mode")
    refuse_unknown(parameters, BY_MODE[mode])
    check_items(mode, [*parameters["line_items"].values()], prices)
    check_trial(parameters)
    require(parameters.get("locale", "auto") in LOCALES.split(), "Invalid locale", param="locale")
    require(parameters.get("billing_address_collection", "auto") in ("auto", "required"), "Invalid collection")
    update = parameters.get("customer_update", {})
    refuse_unknown(update, {"address", "name", "shipping"})
    has_tax = parameters.get("automatic_tax", {}).get("enabled") == "true"
    require(not has_tax or update.get("address") == "auto", ADDRESS_NEEDED, param="customer_update")
    has_tax_ids = parameters.get("tax_id_collection", {}).get("enabled") == "true"
    require(not has_tax_ids or update.get("name") == "auto", NAME_NEEDED, param="customer_update")
    for name in ("success_url", "cancel_url"):
        require(parameters[name].startswith("https://"), "Not a valid URL", code="url_invalid", param=name)


def check_items(mode: str, items: list[Json], prices: Mapping[str, Json]) -> None:
    for number, item in enumerate(items):
        price_id, name = item["price"], f"line_items[{number}][price]"
        require(price_id in prices, f"No such price: '{price_id}'", code="resource_missing", param=name)
        require(prices[price_id]["active"], "The price specified is inactive.", param=name)
        refuse_unknown(item, {"price", "quantity", "adjustable_quantity"})
        require(re.fullmatch("[1-9][0-9]*", item.get("quantity", "")), "Invalid quantity", param=name)
        check_adjustable(item)
    chosen = [prices[item["price"]] for item in items]
    recurring = [price["recurring"] for price in chosen if price["recurring"]]
    require(bool(recurring) == (mode == "subscription"), f"The prices don't fit the mode {mode}", param="mode")
    periods = {(period["interval"], period["interval_count"]) for period in recurring}
    require(len(periods) <= 1, "Checkout does not support multiple prices with different billing intervals.")
    require(len({price["currency"] for price in chosen}) == 1, "The prices have different currencies")


def check_adjustable(item: Json) -> None:
    terms = item.get("adjustable_quantity")
    if terms is None:
        return
    refuse_unknown(terms, {"enabled", "minimum", "maximum"})
    minimum, maximum = int(terms.get("minimum", 0)), int(terms.get("maximum", 99))
    require(minimum <= int(item["quantity"]) <= maximum <= 999_999, "The quantity is outside of its bounds")


def check_trial(parameters: Json) -> None:
    data = parameters.get("subscription_data", {})
    refuse_unknown(data, {"metadata", "trial_period_days", "trial_settings"})
    require(1 <= int(data.get("trial_period_days", 1)) <= 730, "Invalid trial_period_days")
    require("trial_settings" not in data or "trial_period_days" in data, "trial_settings without a trial")
    behavior = data.get("trial_settings", {}).get("end_behavior", {}).get("missing_payment_method", "cancel")
    require(behavior in ("cancel", "create_invoice", "pause"), "Invalid missing_payment_method")
    collection = parameters.get("payment_method_collection", "always")
    require(collection in ("always", "if_required"), "Invalid payment_method_collection")
