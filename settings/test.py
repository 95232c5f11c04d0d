"""Settings for the tests: SQLite and no Redis by default, no .env, and fast password hashing."""

import sys

from settings import public_secrets
from settings.base import *  # noqa: F403
from settings.base import DATABASES, MIDDLEWARE, REST_FRAMEWORK, STORAGES, env

SECRET_KEY = public_secrets.TEST_SECRET_KEY
if "pytest" not in sys.modules:  # a server with these settings, whose secrets everyone knows
    MIDDLEWARE.insert(0, "myproject.development.middleware.this_machine_only_middleware")
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
APP_URL = "https://app.example.com"
INSTALLATION_ID = env.identifier("INSTALLATION_ID", default="app.example.com")
DEFAULT_FROM_EMAIL = "Acme <hello@acme.example>"
BRAND_NAME = "Acme"

# No rate limit: only a few tests are about it, and it would slow down all others.
EMAIL_RATE_PER_SECOND = env.calls_per_second("EMAIL_RATE_PER_SECOND") or 0.0

DATABASES["default"]["CONN_MAX_AGE"] = 0  # an open connection would keep the test database from being dropped
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="memory://")
ACCOUNTS_DAILY_EMAILS_PER_ADDRESS = 1000
REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = dict.fromkeys(REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "1000/minute")

# name:probability,…: where a process kills itself. See common/failpoints.py. No other settings read it.
EMAIL_FAILPOINTS: str = env.str("EMAIL_FAILPOINTS", default="")
