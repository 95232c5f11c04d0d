from django.db import migrations, models

from common.online_indexes import AddIndexOnline, RemoveIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("emails", "0006_attempt_priority"),
    ]

    operations = [
        AddIndexOnline(
            model_name="contactchange",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False), ("lease_token__isnull", True)),
                fields=["isolated", "due_at"],
                name="contact_waiting",
            ),
        ),
        AddIndexOnline(
            model_name="contactchange",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False), ("lease_token__isnull", False)),
                fields=["due_at"],
                name="contact_held",
            ),
        ),
        AddIndexOnline(
            model_name="contactchange",
            index=models.Index(
                condition=models.Q(("settled_at__isnull", True)),
                fields=["address", "id"],
                name="contact_unsettled_order",
            ),
        ),
        AddIndexOnline(
            model_name="deliveryattempt",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False), ("lease_token__isnull", True)),
                fields=["provider", "priority", "due_at"],
                name="attempt_waiting",
            ),
        ),
        AddIndexOnline(
            model_name="deliveryattempt",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False), ("lease_token__isnull", False)),
                fields=["due_at"],
                name="attempt_held",
            ),
        ),
        AddIndexOnline(
            model_name="outboundemail",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False), ("lease_token__isnull", True)),
                fields=["isolated", "priority", "due_at"],
                name="outbound_waiting",
            ),
        ),
        AddIndexOnline(
            model_name="outboundemail",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False), ("first_failed_at__isnull", False)),
                fields=["due_at"],
                name="outbound_backing_off",
            ),
        ),
        AddIndexOnline(
            model_name="outboundemail",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False), ("lease_token__isnull", False)),
                fields=["due_at"],
                name="outbound_held",
            ),
        ),
        RemoveIndexOnline(
            model_name="contactchange",
            name="contact_due",
        ),
        RemoveIndexOnline(
            model_name="contactchange",
            name="contact_unsettled",
        ),
        RemoveIndexOnline(
            model_name="deliveryattempt",
            name="attempt_due",
        ),
        RemoveIndexOnline(
            model_name="outboundemail",
            name="outbound_due",
        ),
    ]
