"""A developer's own machine: DEBUG, local defaults for everything, the development inbox."""

from settings.base import *  # noqa: F403
from settings.base import BASE_DIR, CELERY_BROKER_TRANSPORT_OPTIONS, CELERY_BROKER_URL, REST_FRAMEWORK, env

DEBUG = True
SECRET_KEY = env.str("SECRET_KEY", default="development-only-insecure-key-that-production-refuses-to-start-with")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", ".localhost"])
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default="myproject <hello@myproject.localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

INTERNAL_IPS = ["127.0.0.1"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True

# Somebody who tries things out, or a load test, is not an attacker.
REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = {
    "signup": env.str("THROTTLE_SIGNUP", default="10000/hour"),
    "login": env.str("THROTTLE_LOGIN", default="10000/hour"),
}

if not CELERY_BROKER_URL:
    # Celery without Redis: messages are files in a git-ignored folder (memory:// does not cross processes).
    CELERY_BROKER_URL = "filesystem://"
    CELERY_BROKER_TRANSPORT_OPTIONS.clear()
    for folder in ("messages", "processed", "control"):
        (BASE_DIR / "var" / "celery" / folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS.update(
        data_folder_in=str(BASE_DIR / "var" / "celery" / "messages"),
        data_folder_out=str(BASE_DIR / "var" / "celery" / "messages"),
        processed_folder=str(BASE_DIR / "var" / "celery" / "processed"),
        control_folder=str(BASE_DIR / "var" / "celery" / "control"),
        store_processed=False,
        polling_interval=0.2,
    )
