from django.db import migrations, models

from common.online_indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("billing", "0006_statements"),
    ]

    operations = [
        AddIndexOnline(
            model_name="refundedcharge",
            index=models.Index(
                condition=models.Q(("charge", ""), _negated=True), fields=["charge"], name="refunded_charge"
            ),
        ),
    ]
