from django.db import migrations, models

from common.online_indexes import AddIndexOnline, RemoveIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("billing", "0003_marks_and_cleanup"),
    ]

    operations = [
        AddIndexOnline(
            model_name="stripeevent",
            index=models.Index(
                condition=models.Q(("waits_for", ""), _negated=True),
                fields=["waits_for", "due_at"],
                name="stripe_event_waiting",
            ),
        ),
        RemoveIndexOnline(
            model_name="stripeevent",
            name="stripe_event_waits",
        ),
    ]
