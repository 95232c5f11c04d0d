import emails.models.recipients
from django.db import migrations, models

from common.indexes import AddIndexOnline, RemoveIndexOnline


class Migration(migrations.Migration):
    atomic = False  # the indexes are built while the application writes

    dependencies = [
        ("emails", "0005_priority"),
    ]

    operations = [
        AddIndexOnline(
            model_name="deliveryattempt",
            index=models.Index(fields=["created_at"], name="attempt_created"),
        ),
        AddIndexOnline(
            model_name="deliveryattempt",
            index=models.Index(fields=["outcome", "created_at"], name="attempt_outcome"),
        ),
        AddIndexOnline(
            model_name="deliveryevent",
            index=models.Index(fields=["type", "received_at"], name="event_type"),
        ),
        AddIndexOnline(
            model_name="deliveryevent",
            index=models.Index(
                condition=models.Q(("severity", ""), _negated=True),
                fields=["severity", "received_at"],
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
                condition=models.Q(("email__isnull", True), ("raw__isnull", False)),
                fields=["received_at"],
                name="event_unlinked_payload",
            ),
        ),
        AddIndexOnline(
            model_name="deliveryevent",
            index=models.Index(
                condition=models.Q(("email__isnull", True)), fields=["received_at"], name="event_unlinked_received"
            ),
        ),
        AddIndexOnline(
            model_name="outboundemail",
            index=models.Index(fields=["status", "created_at"], name="outbound_status"),
        ),
        AddIndexOnline(
            model_name="outboundemail",
            index=models.Index(fields=["kind", "created_at"], name="outbound_kind"),
        ),
        AddIndexOnline(
            model_name="outboundemail",
            index=models.Index(fields=["provider", "created_at"], name="outbound_provider"),
        ),
        AddIndexOnline(
            model_name="outboundemail",
            index=models.Index(
                condition=models.Q(("reason", ""), _negated=True),
                fields=["reason", "created_at"],
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
    ]
