"""The test suite: SQLite and no Redis unless DATABASE_URL and REDIS_URL say otherwise, no .env, cheap hashing."""

from settings.base import *  # noqa: F403
from settings.base import DATABASES, REST_FRAMEWORK, STORAGES, env

SECRET_KEY = "test-only-key-" + "t" * 40
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
APP_URL = "https://app.example.com"
DEFAULT_FROM_EMAIL = "Acme <hello@acme.example>"
BRAND_NAME = "Acme"

# The providers' limits are the subject of few tests and would slow down the others.
EMAIL_RATE_PER_SECOND = env.calls_per_second("EMAIL_RATE_PER_SECOND") or 0.0

DATABASES["default"]["CONN_MAX_AGE"] = 0
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="memory://")
REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = dict.fromkeys(REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "1000/minute")

# `name:probability,…`: where a process kills itself, see common/failpoints.py. Read here and nowhere else.
EMAIL_FAILPOINTS: str = env.str("EMAIL_FAILPOINTS", default="")
