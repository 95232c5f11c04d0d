"""Reports errors to Sentry, if SENTRY_DSN is set.

An event leaves this process only after ``reduced()``: what isn't known to be harmless is left out, and every text is
cleaned as for the log. So no event has bodies, headers, cookies, query strings, or local variables.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings

from common.access_log import without_query
from common.log_context import current_ids
from common.logs import FloodFilter, ids_of, is_refusal, presentable
from common.outages import Silence, Trouble, trouble_of
from common.redaction import without_bodies

if TYPE_CHECKING:
    from sentry_sdk.types import Breadcrumb, BreadcrumbHint, Event, Hint

# Everything else, such as the arguments of a task and the user, stays here.
KEPT = ("event_id", "timestamp", "platform", "level", "logger", "transaction", "release", "environment", "server_name")
KEPT_WHOLE = ("sdk", "modules", "fingerprint")
KEPT_OF_FRAMES = ("filename", "function", "module", "lineno", "in_app", "pre_context", "context_line", "post_context")
# Exceptions whose texts name parts of the code and not what somebody sent. Those of all others stay in the log.
HARMLESS_TEXTS = (
    "AttributeError",
    "ImportError",
    "IndexError",
    "KeyError",
    "ModuleNotFoundError",
    "NameError",
    "TypeError",
)
DATABASE_ERRORS = ("django.db.", "psycopg.", "sqlite3")
OUR_LOGGERS = ("accounts.", "billing.", "common.", "emails.", "myproject.", "operations.")
MAX_TAG_CHARACTERS = 200  # Sentry drops longer ones
LEFT_OUT = "The text is in the log."
CONTEXTS = ("runtime", "os", "trace")
EVENTS_PER_MINUTE = 10  # of each kind and process: strangers can cause some errors as often as they like

outages_silence = Silence(timedelta(minutes=5))
floods = FloodFilter(EVENTS_PER_MINUTE)


def start() -> None:
    """Start reporting. Does nothing without SENTRY_DSN."""
    if not settings.SENTRY_DSN:
        return
    # On demand, because importing it takes long.
    import sentry_sdk  # noqa: PLC0415
    from sentry_sdk.integrations.atexit import AtexitIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.celery import CeleryIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.dedupe import DedupeIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.django import DjangoIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.logging import LoggingIntegration  # noqa: PLC0415

    django = DjangoIntegration(transaction_style="function_name", middleware_spans=False, signals_spans=False)
    silent = AtexitIntegration(callback=lambda *_: None)  # it would print a line that isn't JSON
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.SENTRY_ENVIRONMENT,
        release=settings.SENTRY_RELEASE or None,
        # Only these, because others add what requests and responses contain.
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[django, CeleryIntegration(), LoggingIntegration(), DedupeIntegration(), silent],
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        auto_session_tracking=False,
        before_send=before_send,
        before_breadcrumb=before_breadcrumb,
    )


def before_send(event: "Event", hint: "Hint") -> "Event | None":
    """Return the event as it may be sent, or None if nobody needs it."""
    record = hint.get("log_record")
    error = (hint.get("exc_info") or (None, None))[1]
    return reduced(event, record) if is_worth_reporting(record, error) else None


def is_worth_reporting(record: logging.LogRecord | None, error: BaseException | None) -> bool:
    """Return False for a refused request, and for an outage of the database that has been reported."""
    if record and (is_refusal(record) or not floods.filter(record)):
        return False
    return trouble_of(error) is not Trouble.OUTAGE or outages_silence.is_broken()


def before_breadcrumb(crumb: "Breadcrumb", hint: "BreadcrumbHint") -> "Breadcrumb | None":
    """Keep what was logged before. Breadcrumbs about queries and calls can contain parameters."""
    if "log_record" not in hint:
        return None
    kept = ("type", "category", "level", "timestamp")
    return {name: crumb[name] for name in kept if name in crumb} | {"message": presentable(crumb.get("message") or "")}


def reduced(event: Mapping[str, Any], record: logging.LogRecord | None = None) -> "Event":
    kept: dict[str, Any] = {name: clean(event[name]) for name in KEPT if name in event}
    kept |= {name: event[name] for name in KEPT_WHOLE if name in event}
    kept["tags"] = {
        name: str(value)[:MAX_TAG_CHARACTERS] for name, value in (ids_of(record) if record else current_ids()).items()
    }
    if "exception" in event:
        kept["exception"] = {"values": [exception(value) for value in event["exception"].get("values", [])]}
    if "logentry" in event:
        entry, is_ours = event["logentry"], str(event.get("logger")).startswith(OUR_LOGGERS)
        # What other packages put into their messages is unknown. The parameters are part of our formatted text.
        kept["logentry"] = {"message": clean((is_ours and entry.get("formatted")) or entry.get("message") or "")}
    if "request" in event:
        found = event["request"]
        kept["request"] = {"method": clean(found.get("method")), "url": clean(without_query(found.get("url") or ""))}
    kept["contexts"] = {name: value for name, value in event.get("contexts", {}).items() if name in CONTEXTS}
    if "breadcrumbs" in event:
        kept["breadcrumbs"] = event["breadcrumbs"]
    return kept  # type: ignore[return-value]  # a dict with some of its keys


def exception(value: Mapping[str, Any]) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames") or []
    return {
        **{name: value[name] for name in ("type", "module", "mechanism") if name in value},
        "value": clean(value.get("value")) if has_harmless_text(value) else LEFT_OUT,
        "stacktrace": {"frames": [{name: frame.get(name) for name in KEPT_OF_FRAMES} for frame in frames]},
    }


def has_harmless_text(value: Mapping[str, Any]) -> bool:
    name, module = str(value.get("type")), str(value.get("module"))
    # Only a DataError quotes a value in its first line.
    return name in HARMLESS_TEXTS or (module.startswith(DATABASE_ERRORS) and name != "DataError")


def clean(value: Any) -> Any:
    return presentable(without_bodies(value)) if isinstance(value, str) else value
