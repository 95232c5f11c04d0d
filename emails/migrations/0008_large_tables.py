from typing import Any
from uuid import UUID

import emails.models.list_indexes
import emails.models.recipients
from django.db import migrations, models
from django.db.models import Exists, OuterRef

from common.online_indexes import AddIndexOnline, RemoveIndexOnline

BATCH_SIZE = 1_000

# Autovacuum's default is to wait until a fifth of a table has changed. With ten million messages, that would be two
# million dead rows, which every walk along an index has to pass. Each email leaves four dead rows behind.
OPTIONS = {
    "autovacuum_vacuum_scale_factor": "0.02",
    "autovacuum_vacuum_threshold": "10000",
    "autovacuum_vacuum_insert_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.02",
    "autovacuum_analyze_threshold": "10000",
}
TABLES = ("emails_outboundemail", "emails_deliveryattempt", "emails_attemptedemail", "emails_deliveryevent")


def set_options(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        options = ", ".join(f"{name} = {value}" for name, value in OPTIONS.items())
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE {table} SET ({options})")


def reset_options(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE {table} RESET ({', '.join(OPTIONS)})")


def delete_attempts_without_emails(apps: Any, schema_editor: Any) -> None:
    """Delete the attempts that carry nothing anymore. From now on, they are deleted together with their emails."""
    attempts = apps.get_model("emails", "DeliveryAttempt").objects
    carried = apps.get_model("emails", "AttemptedEmail").objects.filter(attempt=OuterRef("pk"))
    last = UUID(int=0)
    while keys := [*attempts.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE]]:
        orphans = attempts.filter(pk__in=keys, settled_at__isnull=False, contact_change=None)
        orphans.exclude(Exists(carried)).delete()
        last = keys[-1]


class Migration(migrations.Migration):
    atomic = False  # the indexes are built while the application writes

    dependencies = [
        ("emails", "0007_failover"),
    ]

    operations = [
        AddIndexOnline(
            model_name="deliveryattempt",
            index=models.Index(fields=["created_at"], name="attempt_created"),
        ),
        AddIndexOnline(
            model_name="deliveryattempt",
            index=models.Index(
                emails.models.list_indexes.Listed("outcome"), models.F("created_at"), name="attempt_outcome"
            ),
        ),
        AddIndexOnline(
            model_name="deliveryevent",
            index=models.Index(emails.models.list_indexes.Listed("type"), models.F("received_at"), name="event_type"),
        ),
        AddIndexOnline(
            model_name="deliveryevent",
            index=models.Index(
                emails.models.list_indexes.Listed("severity"),
                models.F("received_at"),
                condition=models.Q(emails.models.list_indexes.IsFilled("severity")),
                name="event_severity",
            ),
        ),
        AddIndexOnline(
            model_name="deliveryevent",
            index=models.Index(
                condition=models.Q(("raw__isnull", False)), fields=["received_at"], name="event_with_payload"
            ),
        ),
        AddIndexOnline(
            model_name="deliveryevent",
            index=models.Index(
                condition=models.Q(
                    models.Q(
                        models.Q(("recipient", ""), _negated=True),
                        models.Q(("detail", ""), _negated=True),
                        ("raw__isnull", False),
                        _connector="OR",
                    ),
                    ("email__isnull", True),
                ),
                fields=["received_at"],
                name="event_to_forget",
            ),
        ),
        AddIndexOnline(
            model_name="deliveryevent",
            index=models.Index(
                condition=models.Q(("email__isnull", True)), fields=["received_at"], name="event_unlinked_age"
            ),
        ),
        AddIndexOnline(
            model_name="outboundemail",
            index=models.Index(
                emails.models.list_indexes.Listed("status"), models.F("created_at"), name="outbound_status"
            ),
        ),
        AddIndexOnline(
            model_name="outboundemail",
            index=models.Index(emails.models.list_indexes.Listed("kind"), models.F("created_at"), name="outbound_kind"),
        ),
        AddIndexOnline(
            model_name="outboundemail",
            index=models.Index(
                emails.models.list_indexes.Listed("provider"), models.F("created_at"), name="outbound_provider"
            ),
        ),
        AddIndexOnline(
            model_name="outboundemail",
            index=models.Index(
                emails.models.list_indexes.Listed("reason"),
                models.F("created_at"),
                condition=models.Q(emails.models.list_indexes.IsFilled("reason")),
                name="outbound_reason",
            ),
        ),
        AddIndexOnline(
            model_name="outboundemail",
            index=models.Index(
                condition=models.Q(emails.models.recipients.HasOne("recipients")),
                fields=["recipients", "created_at"],
                name="outbound_recipient",
            ),
        ),
        AddIndexOnline(
            model_name="outboundemail",
            index=emails.models.recipients.SeveralRecipientsIndex(name="outbound_recipients"),
        ),
        AddIndexOnline(
            model_name="outboundemail",
            index=models.Index(
                condition=models.Q(
                    models.Q(("content__isnull", False), ("idempotency_key__isnull", True), _connector="OR"),
                    ("settled_at__isnull", False),
                ),
                fields=["settled_at"],
                name="outbound_to_purge",
            ),
        ),
        AddIndexOnline(
            model_name="outboundemail",
            index=models.Index(
                condition=models.Q(
                    ("content__isnull", True), ("idempotency_key__isnull", False), ("settled_at__isnull", False)
                ),
                fields=["settled_at"],
                name="outbound_kept_keys",
            ),
        ),
        # Last, because retention needs it until its successors exist.
        RemoveIndexOnline(
            model_name="outboundemail",
            name="outbound_settled",
        ),
        migrations.RunPython(set_options, reset_options),
        migrations.RunPython(delete_attempts_without_emails, migrations.RunPython.noop),
    ]
