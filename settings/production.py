"""Production: no defaults for secrets, and no start with a missing or placeholder value."""

from django.core.exceptions import ImproperlyConfigured

from settings.base import *  # noqa: F403
from settings.base import EMAIL_DELIVERY_BACKEND, EMAIL_PROVIDER, env
from settings.environment import require

PROVIDER_VARIABLES = {
    "sequenzy": ["SEQUENZY_API_KEY"],
    "resend": ["RESEND_API_KEY"],
    "sendgrid": ["SENDGRID_API_KEY"],
    "smtp": ["EMAIL_URL"],
}

if env.bool("DEBUG", default=False):
    raise ImproperlyConfigured("Production cannot start with DEBUG=true. Unset DEBUG, or use settings.development.")
if not EMAIL_DELIVERY_BACKEND and EMAIL_PROVIDER not in PROVIDER_VARIABLES:
    raise ImproperlyConfigured(
        f"Production cannot start: EMAIL_PROVIDER is {EMAIL_PROVIDER!r}, which delivers to nobody. "
        f"Set it to one of {', '.join(PROVIDER_VARIABLES)}, or set EMAIL_DELIVERY_BACKEND."
    )
require(
    env,
    [
        *("SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", "APP_URL", "DEFAULT_FROM_EMAIL"),
        *([] if EMAIL_DELIVERY_BACKEND else PROVIDER_VARIABLES[EMAIL_PROVIDER]),
    ],
)

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

SECURE_SSL_REDIRECT: bool = env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^healthz/?$", r"^readyz/?$"]  # probes speak plain HTTP
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
