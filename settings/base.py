"""The settings that all environments share. Those that differ per installation are variables: see .env.example."""

from datetime import timedelta
from email.utils import parseaddr
from typing import Any
from urllib.parse import quote

from corsheaders.defaults import default_headers

from settings import public_secrets
from settings.environment import BASE_DIR, MAXIMUM_PORT, VAR_DIR, read_environment, refusal
from settings.placeholders import placeholders
from settings.plans import BILLING_ADD_ONS as BILLING_ADD_ONS
from settings.plans import BILLING_CHECKOUT as BILLING_CHECKOUT
from settings.plans import BILLING_PLANS as BILLING_PLANS
from settings.plans import BILLING_PRODUCTS as BILLING_PRODUCTS
from settings.variables import Variables

env = read_environment()
VAR_DIR.mkdir(exist_ok=True)

PLACEHOLDERS = [*placeholders(env)]  # production refuses these variables, and manage.py check names them

# For manage.py doctor: what was read, what production must not use, and whether these are production's settings.
VARIABLES = Variables()
PUBLIC_SECRETS = public_secrets.ALL
IS_PRODUCTION = False

SECRET_KEY = env.str("SECRET_KEY", default="")
DEBUG = False
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS")
# Where bin/dev serves the site, and manage.py stripe_event posts to.
PORT = env.whole_number("PORT", default=8000, maximum=MAXIMUM_PORT)
APP_URL = env.http_url("APP_URL", default=f"http://localhost:{PORT}")
# Marks what we create at Stripe. Host names can contain any letter, and the mark only ASCII.
INSTALLATION_ID = env.identifier("INSTALLATION_ID", default=quote(APP_URL.partition("//")[2].lower(), safe="/:@[]"))

INSTALLED_APPS = [
    "operations.apps.AdminConfig",  # django.contrib.admin with our own site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "corsheaders",
    "csp",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "emails",
    "accounts",
    "billing",
    "operations",
    "myproject",  # loads the Celery app in every process; without it, manage.py would publish to a default broker
]

MIDDLEWARE = [
    # The first two add headers, so they come before everything that may respond.
    "myproject.middleware.security_headers_middleware",
    "csp.middleware.CSPMiddleware",
    "myproject.middleware.readable_cookies_middleware",
    "myproject.middleware.probe_middleware",  # early, because probes send neither our host name nor HTTPS
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "myproject.middleware.readable_body_middleware",  # before all others that read the body
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.user_language_middleware",
    "accounts.middleware.ServerBusyMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.middleware.staff_session_middleware",  # after the messages, because it leaves one
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "myproject.urls"
DEVELOPMENT_ROUTES = False  # /dev/; settings.development turns it on
WSGI_APPLICATION = "myproject.wsgi.application"
ASGI_APPLICATION = "myproject.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "NAME": "django",
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"operator": "common.templatetags.operator"},  # for the admin's templates
        },
    },
    {  # for subjects and text parts of emails: Django decides about escaping per engine, and not per file extension
        "NAME": "text",
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {"autoescape": False},
    },
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "settings.formats"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Pages take no files. With Django's own handlers, anybody could fill the disk with temporary files.
FILE_UPLOAD_HANDLERS: list[str] = []
MAX_PAGE_BODY_BYTES = 64 * 1024  # a larger request gets a 413; the API and the webhooks have limits of their own
# Webhooks. Their views check a signature of the raw bytes, so they read the body themselves.
RAW_BODY_PREFIXES = ("/stripe/webhook", "/emails/webhooks/")
MAX_RAW_BODY_BYTES = 2 * 1024 * 1024  # for ASGI servers, which read a body before the view can; the views refuse less

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


# Database: PostgreSQL in production. Without DATABASE_URL, SQLite.

sqlite_url = "sqlite:///" + quote(f"{VAR_DIR}/db.sqlite3")
DATABASES: dict[str, dict[str, Any]] = {"default": env.database("DATABASE_URL", default=sqlite_url)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE takes the write lock when a transaction begins. By default, a transaction that reads first and writes
    # later fails right away, without waiting, if another one has written in between. WAL lets readers continue.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
    DATABASES["default"].setdefault("CONN_HEALTH_CHECKS", True)  # a connection may have died while it was idle


# Redis: wakes up the workers and counts for the throttles. Losing its data loses no email.

REDIS_URL = env.redis_url("REDIS_URL")
CACHES: dict[str, dict[str, Any]] = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if REDIS_URL:
    CACHES["default"] = {"BACKEND": "common.cache.FailOpenRedisCache", "LOCATION": REDIS_URL}


# Celery

CELERY_BROKER_URL = env.broker_url("CELERY_BROKER_URL", default=REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True  # the database is the record, and nothing reads results
CELERY_TASK_DEFAULT_QUEUE = "celery"
CELERY_IMPORTS = ["operations.doctor.tasks"]  # Celery finds only the modules "tasks" directly below an app
CELERY_WORKER_POOL = "threads"  # sending is mostly waiting: as fast as prefork, with a fifth of the memory
CELERY_WORKER_CONCURRENCY = 4
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # a long task must not hold back tasks that other workers could run
CELERY_WORKER_SEND_TASK_EVENTS = env.bool("CELERY_WORKER_SEND_TASK_EVENTS", default=False)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # keeps LOGGING below in effect
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # unlimited: workers reconnect on their own after any outage
# Without timeouts, a publisher or worker would wait forever for a Redis that hangs.
timeouts = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {**timeouts, "socket_keepalive": True}
# Written after every task. The container's health check looks at the age of this file.
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
CELERY_BEAT_SYNC_EVERY = 1
# A task that no worker picks up in time expires, so that an outage leaves no pile of repeats.
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "emails-deliver-due": {
        "task": "emails.tasks.deliver_due",
        "schedule": timedelta(seconds=15),
        "options": {"expires": 15},
    },
    "emails-poll-for-missing-events": {
        "task": "emails.tasks.look_up_silent_emails",
        "schedule": timedelta(minutes=5),
        "options": {"expires": 300},
    },
    "emails-purge-old-messages": {
        "task": "emails.tasks.purge_old_mail",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600},
    },
    "billing-handle-due-events": {
        "task": "billing.tasks.handle_due_events",
        "schedule": timedelta(seconds=15),
        "options": {"expires": 15},
    },
    "billing-purge-events-and-alert-on-missing-invoices": {
        "task": "billing.tasks.look_after_events",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600},
    },
    "billing-compare-prices-with-stripe": {
        "task": "billing.tasks.compare_prices",
        "schedule": timedelta(days=1),
        "options": {"expires": 3600},
    },
    "billing-keep-deadlines": {
        "task": "billing.tasks.keep_deadlines",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600},
    },
    "billing-compare-with-stripe": {
        "task": "billing.tasks.compare_with_stripe",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
    "operations-count-by-hour": {
        "task": "operations.count_by_hour",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
    "operations-examine-installation": {
        "task": "operations.doctor.tasks.examine_installation",
        "schedule": timedelta(minutes=5),
        "options": {"expires": 300},
    },
    "accounts-purge-old-logins": {
        "task": "accounts.tasks.forget_old_history",
        "schedule": timedelta(days=1),
        "options": {"expires": 3600},
    },
    "accounts-delete-unconfirmed-accounts": {
        "task": "accounts.tasks.delete_unconfirmed_accounts",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600},
    },
    "operations-count-totals": {
        "task": "operations.tasks.count_totals",
        "schedule": timedelta(seconds=15),
        "options": {"expires": 15},
    },
}


# Email: every message becomes a row in the outbox, and a worker delivers it through EMAIL_PROVIDER.

EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
DEFAULT_FROM_EMAIL = env.sender("DEFAULT_FROM_EMAIL", default="webmaster@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

EMAIL_PROVIDER = env.choice("EMAIL_PROVIDER", ["console", "smtp", "sequenzy", "resend", "sendgrid"])
EMAIL_DELIVERY_BACKEND: str = env.str("EMAIL_DELIVERY_BACKEND", default="")
# A provider's name or the dotted path of a backend. It takes over while the provider above can't be used.
EMAIL_FALLBACK_PROVIDER: str = env.str("EMAIL_FALLBACK_PROVIDER", default="")
EMAIL_FALLBACK_AFTER_SECONDS = env.whole_number("EMAIL_FALLBACK_AFTER_SECONDS", default=300)

SEQUENZY_API_KEY: str = env.str("SEQUENZY_API_KEY", default="")
SEQUENZY_API_URL = env.http_url("SEQUENZY_API_URL", default="https://api.sequenzy.com/api/v1")
SEQUENZY_CONTACTS_API_KEY: str = env.str("SEQUENZY_CONTACTS_API_KEY", default="")
SEQUENZY_STRICT_SENDER: bool = env.bool("SEQUENZY_STRICT_SENDER", default=False)
SEQUENZY_DROPPED_HEADERS: list[str] = env.list("SEQUENZY_DROPPED_HEADERS", default=[])
SEQUENZY_WEBHOOK_SECRETS = env.secrets("SEQUENZY_WEBHOOK_SECRETS")
SEQUENZY_WEBHOOK_KEY = env.choice("SEQUENZY_WEBHOOK_KEY", ["auto", "text", "base64"])
SEQUENZY_WEBHOOK_TOLERANCE_SECONDS = env.whole_number("SEQUENZY_WEBHOOK_TOLERANCE_SECONDS", default=300)

RESEND_API_KEY: str = env.str("RESEND_API_KEY", default="")
RESEND_CONTACTS_API_KEY: str = env.str("RESEND_CONTACTS_API_KEY", default="")
RESEND_API_URL = env.http_url("RESEND_API_URL", default="https://api.resend.com")
RESEND_WEBHOOK_SECRETS = env.secrets("RESEND_WEBHOOK_SECRETS")

SENDGRID_API_KEY: str = env.str("SENDGRID_API_KEY", default="")
SENDGRID_CONTACTS_API_KEY: str = env.str("SENDGRID_CONTACTS_API_KEY", default="")
SENDGRID_API_URL = env.http_url("SENDGRID_API_URL", default="https://api.sendgrid.com/v3")
SENDGRID_WEBHOOK_PUBLIC_KEYS = env.secrets("SENDGRID_WEBHOOK_PUBLIC_KEYS")

smtp_server = env.smtp_server("EMAIL_URL", default="smtp://localhost:25")
EMAIL_HOST = smtp_server.host
EMAIL_PORT = smtp_server.port
EMAIL_HOST_USER = smtp_server.user
EMAIL_HOST_PASSWORD = smtp_server.password
EMAIL_USE_TLS = smtp_server.use_tls
EMAIL_USE_SSL = smtp_server.use_ssl
EMAIL_TIMEOUT = 15  # seconds for each SMTP command

EMAIL_LEASE_SECONDS = env.whole_number("EMAIL_LEASE_SECONDS", default=60)
EMAIL_CALL_DEADLINE_SECONDS = min(30, EMAIL_LEASE_SECONDS / 2)  # a call must end before its lease does
EMAIL_DELIVERY_THREADS = env.whole_number("EMAIL_DELIVERY_THREADS", default=8)
EMAIL_UNKNOWN_WAIT_SECONDS = env.whole_number("EMAIL_UNKNOWN_WAIT_SECONDS", default=300)
EMAIL_RATE_PER_SECOND = env.calls_per_second("EMAIL_RATE_PER_SECOND")
EMAIL_RETENTION_DAYS = env.whole_number("EMAIL_RETENTION_DAYS", default=30)
# Kinds of email that do more harm if they arrive twice than if they get lost. If the outcome of a call is unknown and
# the provider has no idempotency keys, these end as failed (outcome_unknown) instead of being sent again.
EMAIL_KINDS_NEVER_REPEATED: list[str] = []

# Off, because anybody could make another product send to somebody's address and be reported as spam there.
EMAIL_SUPPRESS_AFTER_FOREIGN_EVENTS: bool = env.bool("EMAIL_SUPPRESS_AFTER_FOREIGN_EVENTS", default=False)

CONTACTS_SYNC: bool = env.bool("CONTACTS_SYNC", default=False)  # off, because it needs people's consent
CONTACTS_LISTS: list[str] = env.list("CONTACTS_LISTS", default=[])

BRAND_NAME: str = env.str("BRAND_NAME", default="myproject")
BRAND_COLOR = env.color("BRAND_COLOR", default="#2456d6")
BRAND_LOGO_URL: str = env.str("BRAND_LOGO_URL", default="")
BRAND_LOGO_WIDTH = env.whole_number("BRAND_LOGO_WIDTH", default=140, maximum=520)
BRAND_ADDRESS: str = env.str("BRAND_ADDRESS", default="")
BRAND_TAX_ID: str = env.str("BRAND_TAX_ID", default="")
SUPPORT_EMAIL = parseaddr(env.sender("SUPPORT_EMAIL", default=DEFAULT_FROM_EMAIL))[1]


# Billing: Stripe reports payments at /stripe/webhook. The products are in settings/plans.py.

STRIPE_SECRET_KEY: str = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRETS = env.secrets("STRIPE_WEBHOOK_SECRETS") + env.secrets("STRIPE_WEBHOOK_SECRET")
STRIPE_API_URL = env.http_url("STRIPE_API_URL", default="https://api.stripe.com")
# Where checkout and portal may lead. If Stripe serves these pages from a domain of yours, add it.
STRIPE_PAGE_ORIGINS = ["https://checkout.stripe.com", "https://billing.stripe.com"]
STRIPE_CALL_SECONDS = 8.0  # one call
STRIPE_REQUEST_SECONDS = 20.0  # all calls of one request, which gunicorn ends after 30
# Events of the other mode are stored but change nothing. None: events of both modes take effect.
STRIPE_LIVEMODE: bool | None = env.bool("STRIPE_LIVEMODE", default="_live_" in STRIPE_SECRET_KEY)
if not STRIPE_SECRET_KEY and "STRIPE_LIVEMODE" not in env:
    STRIPE_LIVEMODE = None
# A plan that costs less, or a shorter interval: period_end keeps what is paid for until then; now gives credit for it.
BILLING_DOWNGRADES = env.choice("BILLING_DOWNGRADES", ["period_end", "now"])
# The path of your function that counts the people who use a user's seats, such as "teams.seats.seats_in_use".
BILLING_SEATS_IN_USE = ""
# How long access continues after a payment failed. None: as long as Stripe retries it.
BILLING_GRACE_DAYS = (
    env.whole_number("BILLING_GRACE_DAYS", default=0, minimum=0, maximum=3650) if "BILLING_GRACE_DAYS" in env else None
)
# How many days before a yearly charge, and before a card expires, people are reminded. 0: never.
BILLING_RENEWAL_REMINDER_DAYS = env.whole_number("BILLING_RENEWAL_REMINDER_DAYS", default=7, minimum=0, maximum=90)
BILLING_CARD_REMINDER_DAYS = env.whole_number("BILLING_CARD_REMINDER_DAYS", default=30, minimum=0, maximum=90)
BILLING_ALERT_EMAILS: list[str] = env.list("BILLING_ALERT_EMAILS", default=[])
BILLING_ACCESS_ON_DISPUTE = env.choice("BILLING_ACCESS_ON_DISPUTE", ["keep", "suspend"])


# Accounts and their API

AUTH_USER_MODEL = "accounts.User"
PASSWORD_MIN_LENGTH = env.whole_number("PASSWORD_MIN_LENGTH", default=12, minimum=8)
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name"]},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": PASSWORD_MIN_LENGTH},
    },
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.validators.GuessablePasswordValidator"},
    {"NAME": "accounts.validators.MaximumLengthValidator"},
]
PASSWORD_HASHERS = ["accounts.hashers.Argon2PasswordHasher", "accounts.hashers.PBKDF2PasswordHasher"]
PASSWORD_HASHES_AT_ONCE = env.whole_number("PASSWORD_HASHES_AT_ONCE", default=0, minimum=0)  # 0: the number of cores
PASSWORD_HASHES_WAITING = env.whole_number("PASSWORD_HASHES_WAITING", default=32, minimum=0)
ACCOUNTS_EMAIL_VERIFICATION = env.choice("ACCOUNTS_EMAIL_VERIFICATION", ["mandatory", "optional"])
ACCOUNTS_DAILY_EMAILS_PER_ADDRESS = env.whole_number("ACCOUNTS_DAILY_EMAILS_PER_ADDRESS", default=25)
ACCOUNTS_SIGNUP_CHALLENGE: str = env.str("ACCOUNTS_SIGNUP_CHALLENGE", default="")
ACCOUNTS_UNCONFIRMED_DAYS = env.whole_number("ACCOUNTS_UNCONFIRMED_DAYS", default=14)
ACCOUNTS_UNDO_DAYS = env.whole_number("ACCOUNTS_UNDO_DAYS", default=7)
ACCOUNTS_UNDO_PROTECTED_HOURS = env.whole_number("ACCOUNTS_UNDO_PROTECTED_HOURS", default=72)

TRUSTED_PROXY_COUNT = env.whole_number("TRUSTED_PROXY_COUNT", default=0, minimum=0)
if TRUSTED_PROXY_COUNT > 0:  # without a proxy, clients could send this header themselves
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

STAFF_SESSION_IDLE_MINUTES = env.whole_number("STAFF_SESSION_IDLE_MINUTES", default=30)
STAFF_SESSION_HOURS = env.whole_number("STAFF_SESSION_HOURS", default=12)

PAGES_ENABLED: bool = env.bool("PAGES_ENABLED", default=True)
# Paths instead of URL names, which don't exist while PAGES_ENABLED is false.
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/dashboard"
LOGOUT_REDIRECT_URL = "/"

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["common.api.parsers.BoundedJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "common.api.schema.Schema",
    "EXCEPTION_HANDLER": "common.api.errors.handle_exception",
    "DEFAULT_THROTTLE_RATES": {
        "signup": env.rate("THROTTLE_SIGNUP", default="20/hour"),
        "login": env.rate("THROTTLE_LOGIN", default="20/minute"),
        "login_account": env.rate("THROTTLE_LOGIN_ACCOUNT", default="100/hour"),
        "password_reset": env.rate("THROTTLE_PASSWORD_RESET", default="10/hour"),
        "billing": env.rate("THROTTLE_BILLING", default="60/hour"),
    },
    "NUM_PROXIES": TRUSTED_PROXY_COUNT,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REST_KNOX: dict[str, Any] = {
    "TOKEN_TTL": env.days("API_TOKEN_DAYS", default=30),
    "AUTO_REFRESH": True,
    "AUTO_REFRESH_MAX_TTL": env.days("API_TOKEN_MAXIMUM_DAYS", default=90),
    "MIN_REFRESH_INTERVAL": 60 * 60,  # seconds; saves a write with every request
    "TOKEN_LIMIT_PER_USER": env.whole_number("API_TOKENS_PER_USER", default=20, maximum=1000),
}
if REST_KNOX["AUTO_REFRESH_MAX_TTL"] < REST_KNOX["TOKEN_TTL"]:
    raise refusal("API_TOKEN_MAXIMUM_DAYS", "at least API_TOKEN_DAYS")
SPECTACULAR_SETTINGS = {
    "TITLE": BRAND_NAME,
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],  # public; a token would only cost a query
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}
CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS")
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")
CORS_URLS_REGEX = r"^/api/"  # pages and the admin are never called from another origin
CORS_ALLOW_HEADERS = [*default_headers, "known-device"]
CORS_EXPOSE_HEADERS = ["known-device", "retry-after"]

# What a page may load, and where its forms may go. Only the admin and the API documentation have scripts. A page that
# needs more declares it in its view (docs/pages.md).
CONTENT_SECURITY_POLICY: dict[str, dict[str, Any]] = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "frame-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
if BRAND_LOGO_URL:
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["img-src"].append(BRAND_LOGO_URL)

X_FRAME_OPTIONS = "DENY"
# Features of browsers that no page uses. A page that needs one must be able to allow it for itself, "camera=(self)".
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "autoplay",
        "camera",
        "display-capture",
        "encrypted-media",
        "fullscreen",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "picture-in-picture",
        "publickey-credentials-get",
        "screen-wake-lock",
        "usb",
        "xr-spatial-tracking",
    )
)
SECURITY_CONTACT = env.contacts("SECURITY_CONTACT")  # for /.well-known/security.txt; without it, DEFAULT_FROM_EMAIL

SESSION_COOKIE_AGE = int(env.days("SESSION_DAYS", default=14).total_seconds())
DEVICE_COOKIE_NAME = "known_device"
INBOX_COOKIE_NAME = "inbox"
NEXT_PAGE_COOKIE_NAME = "next_page"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"

# Lets a monitoring system read the details of /readyz.
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "common.logs.LineFormatter", "fmt": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    },
    "filters": {
        "client errors": {"()": "common.logs.ClientErrorFilter"},
        "floods": {"()": "common.logs.FloodFilter", "lines_per_minute": 20},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["client errors", "floods"],
        }
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": []},  # Django's own handler would print every line twice
        # At INFO, these log every sweep, four times a minute. Failures are logged as errors.
        **{name: {"level": "WARNING"} for name in ("celery.app.trace", "celery.worker.strategy", "celery.beat")},
        "stripe": {"level": "WARNING"},  # at INFO it logs responses, which may contain personal data
    },
}
