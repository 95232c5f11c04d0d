"""Settings for a developer's machine: DEBUG, a default for every variable, and the development inbox."""

from settings.base import *  # noqa: F403
from settings.base import (
    CELERY_BROKER_TRANSPORT_OPTIONS,
    CELERY_BROKER_URL,
    REST_FRAMEWORK,
    STORAGES,
    STRIPE_WEBHOOK_SECRETS,
    env,
)
from settings.environment import VAR_DIR

DEBUG = env.bool("DEBUG", default=True)
DEVELOPMENT_ROUTES = DEBUG  # /dev/inbox/ shows the emails of all users, with live links
SECRET_KEY = env.str("SECRET_KEY", default="development-only-insecure-key-that-production-refuses-to-start-with")
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", ".localhost"])
DEFAULT_FROM_EMAIL = env.sender("DEFAULT_FROM_EMAIL", default="myproject <hello@myproject.localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# Public secrets, so that test events can be signed. SendGrid has none, because its receiver needs a real key pair.
SEQUENZY_WEBHOOK_SECRETS = env.secrets("SEQUENZY_WEBHOOK_SECRETS") or ["whsec_ZGV2ZWxvcG1lbnQtb25seS1pbnNlY3VyZQ=="]
RESEND_WEBHOOK_SECRETS = env.secrets("RESEND_WEBHOOK_SECRETS") or ["whsec_ZGV2ZWxvcG1lbnQtb25seS1pbnNlY3VyZQ=="]
# manage.py stripe_event signs with this secret.
STRIPE_WEBHOOK_SECRETS = STRIPE_WEBHOOK_SECRETS or ["whsec_development-only-insecure"]

INTERNAL_IPS = ["127.0.0.1"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True  # new and changed files are served without a restart

# High enough that neither trying things out nor a load test reaches a limit.
REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = {
    "signup": env.rate("THROTTLE_SIGNUP", default="10000/hour"),
    "login": env.rate("THROTTLE_LOGIN", default="10000/hour"),
    "login_account": env.rate("THROTTLE_LOGIN_ACCOUNT", default="10000/hour"),
    "password_reset": env.rate("THROTTLE_PASSWORD_RESET", default="10000/hour"),
    "billing": env.rate("THROTTLE_BILLING", default="10000/hour"),
}
ACCOUNTS_DAILY_EMAILS_PER_ADDRESS = env.whole_number("ACCOUNTS_DAILY_EMAILS_PER_ADDRESS", default=10000)

if not CELERY_BROKER_URL:
    # Without Redis, Celery's messages are files in a git-ignored folder. memory:// doesn't work across processes.
    CELERY_BROKER_URL = "filesystem://localhost"
    CELERY_BROKER_TRANSPORT = "myproject.development.broker:Transport"
    broker_folders = {name: VAR_DIR / "celery" / name for name in ("messages", "processed", "control")}
    for folder in broker_folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS.clear()
    CELERY_BROKER_TRANSPORT_OPTIONS.update(
        data_folder_in=str(broker_folders["messages"]),
        data_folder_out=str(broker_folders["messages"]),
        processed_folder=str(broker_folders["processed"]),
        control_folder=str(broker_folders["control"]),
        store_processed=False,
        polling_interval=0.2,
    )
