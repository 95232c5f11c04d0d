"""Settings for a developer's machine: DEBUG, a default for every variable, and the development inbox.

They refuse to start if a variable shows that the machine is something else.
"""

import logging
import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from settings import public_secrets
from settings.base import *  # noqa: F403
from settings.base import (
    APP_URL,
    CELERY_BROKER_TRANSPORT_OPTIONS,
    CELERY_BROKER_URL,
    LOGGING,
    MIDDLEWARE,
    RESEND_WEBHOOK_SECRETS,
    REST_FRAMEWORK,
    SENDGRID_WEBHOOK_PUBLIC_KEYS,
    SEQUENZY_WEBHOOK_SECRETS,
    STORAGES,
    STRIPE_SECRET_KEY,
    STRIPE_WEBHOOK_SECRETS,
    env,
)
from settings.environment import (
    READ_BY_COMPOSE,
    READ_IN_PRODUCTION,
    VAR_DIR,
    Env,
    misspelled,
)
from settings.refusals import Refused, split_advice
from settings.urls import is_local_host

# Set by docker-compose.yml only: the settings that .env or the shell chose, or "default".
compose_settings = os.environ.get("COMPOSE_SETTINGS", "")
# docker-compose.yml publishes the port on 127.0.0.1 only, so requests through Docker's gateway come from this machine.
PORT_IS_PUBLISHED_ON_LOOPBACK = bool(compose_settings)
REMOTE_WORKSPACE_BEHIND_ITS_OWN_LOGIN: bool = env.bool("REMOTE_WORKSPACE_BEHIND_ITS_OWN_LOGIN", default=False)
MIDDLEWARE.insert(0, "myproject.development.middleware.this_machine_only_middleware")

ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", ".localhost"])
remote_hosts = [host for host in ALLOWED_HOSTS if not is_local_host(host)]
is_app_url_local = is_local_host(urlsplit(APP_URL).hostname or "")
is_local = is_app_url_local and not remote_hosts and not REMOTE_WORKSPACE_BEHIND_ITS_OWN_LOGIN

DEBUG = env.bool("DEBUG", default=True)
DEVELOPMENT_ROUTES = DEBUG  # /dev/inbox/ shows the emails of all users, with live links
SECRET_KEY = env.str("SECRET_KEY", default=public_secrets.SECRET_KEY)
DEFAULT_FROM_EMAIL = env.sender("DEFAULT_FROM_EMAIL", default="myproject <hello@myproject.localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

if is_local:
    # Public secrets, so that manage.py simulate_event can sign test events.
    SEQUENZY_WEBHOOK_SECRETS = SEQUENZY_WEBHOOK_SECRETS or [public_secrets.WEBHOOK_SECRET]
    RESEND_WEBHOOK_SECRETS = RESEND_WEBHOOK_SECRETS or [public_secrets.WEBHOOK_SECRET]
    # In addition to SendGrid's own key, whose private half only SendGrid has.
    SENDGRID_WEBHOOK_PUBLIC_KEYS = [*SENDGRID_WEBHOOK_PUBLIC_KEYS, public_secrets.SENDGRID_PUBLIC_KEY]
    # manage.py stripe_event signs with this secret.
    STRIPE_WEBHOOK_SECRETS = STRIPE_WEBHOOK_SECRETS or [public_secrets.STRIPE_WEBHOOK_SECRET]

INTERNAL_IPS = ["127.0.0.1"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True  # new and changed files are served without a restart
LOGGING["formatters"]["line"]["()"] = "emails.development.log_lines.EmailLineFormatter"
LOGGING["filters"]["quiet requests"] = {"()": "emails.development.log_lines.QuietRequestsFilter"}
LOGGING["loggers"]["django.server"] = {"filters": ["quiet requests"], "level": "INFO"}

if is_local:
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


# Checks that nobody but the developer can reach this

SET_BY_COMPOSE = {"CELERY_WORKER_SEND_TASK_EVENTS", "DATABASE_URL", "REDIS_URL"}
READ_FROM_DOTENV = Env.names_read | READ_BY_COMPOSE | READ_IN_PRODUCTION


def problems() -> Iterator[str]:
    """Yield what shows that this is not a developer's machine."""
    if not REMOTE_WORKSPACE_BEHIND_ITS_OWN_LOGIN:
        if remote_hosts:
            yield f"ALLOWED_HOSTS contains {', '.join(remote_hosts)}, which is not this machine"
        if not is_app_url_local:
            yield "APP_URL is not on this machine"
    elif "SECRET_KEY" not in env:
        yield "SECRET_KEY is not set, but others can reach this workspace; set it to at least 50 random characters"
    if "_live_" in STRIPE_SECRET_KEY.lower():
        yield "STRIPE_SECRET_KEY is a live key"
    # An owner who forgets this line on a server would otherwise publish everyone's email.
    if compose_settings == "default" and os.environ.keys() & (READ_FROM_DOTENV - SET_BY_COMPOSE):
        yield "DJANGO_SETTINGS_MODULE is not set, but there is a .env file"


if typos := [*misspelled()]:
    raise Refused(f"{'. '.join(typos)}.", [split_advice(typo) for typo in typos])

if found := [*problems()]:
    advice = (
        "On a server, set DJANGO_SETTINGS_MODULE=settings.production. On your own machine, set "
        "DJANGO_SETTINGS_MODULE=settings.development, let ALLOWED_HOSTS and APP_URL name only localhost, *.localhost, "
        "127.0.0.1, or ::1, and use Stripe's test mode. For a remote workspace, see .env.example."
    )
    raise Refused(
        f"Development settings can't start: {'; '.join(found)}. They show all emails to everyone who can reach the "
        f"site. {advice}",
        [(problem, advice) for problem in found],
    )

if REMOTE_WORKSPACE_BEHIND_ITS_OWN_LOGIN:
    # Logging isn't configured yet, so Python prints this to stderr.
    logging.getLogger(__name__).warning(
        "REMOTE_WORKSPACE_BEHIND_ITS_OWN_LOGIN is set: development settings accept requests from other machines. "
        "Without a login in front of this server, strangers can take over every account."
    )
