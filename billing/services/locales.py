"""The language of Stripe's Checkout page."""

# https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-locale
LOCALES = (
    "bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro ru "
    "sk sl sv th tr vi zh zh-HK zh-TW"
)
BY_NAME = {locale.lower(): locale for locale in LOCALES.split()}
# Languages that Django and Stripe name differently.
ALIASES = {"hi": "hi-IN", "nn": "nb", "no": "nb", "zh-hans": "zh", "zh-hant": "zh-TW", "zh-cn": "zh", "tl": "fil"}
SPAIN = "es-es"
AUTO = "auto"  # the language of the browser


def checkout_locale(language: str, setting: str = "person") -> str:
    """Return Stripe's name of the person's language, or the locale that the setting names. ``auto`` if it has none."""
    return locale_of(language) if setting == "person" else setting


def locale_of(language: str) -> str:
    name = language.lower().replace("_", "-")
    base = name.partition("-")[0]
    if base == "es" and name not in ("es", SPAIN):
        return "es-419"  # Latin America
    candidates = (name, ALIASES.get(name, ""), base, ALIASES.get(base, ""))
    return next((BY_NAME[found.lower()] for found in candidates if found.lower() in BY_NAME), AUTO)
