from django.db import migrations, models

from common.online_indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("billing", "0004_waiting_events"),
    ]

    operations = [
        AddIndexOnline(
            model_name="cleanuprequest",
            index=models.Index(condition=models.Q(("done_at__isnull", False)), fields=["done_at"], name="cleanup_done"),
        ),
        AddIndexOnline(
            model_name="erasure",
            index=models.Index(
                condition=models.Q(("address_digest", ""), _negated=True), fields=["erased_at"], name="erasure_age"
            ),
        ),
    ]
