from django.db import migrations, models

from common.online_indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("billing", "0010_recovery"),
    ]

    operations = [
        AddIndexOnline(
            model_name="payment",
            index=models.Index(
                condition=models.Q(("status", "failed")), fields=["subscription_id"], name="payment_open"
            ),
        ),
        AddIndexOnline(
            model_name="subscription",
            index=models.Index(
                condition=models.Q(("status", "past_due")), fields=["unpaid_since", "id"], name="subscription_past_due"
            ),
        ),
        AddIndexOnline(
            model_name="subscription",
            index=models.Index(
                condition=models.Q(("has_long_period", True), ("status", "active")),
                fields=["current_period_end", "id"],
                name="subscription_renewal",
            ),
        ),
        AddIndexOnline(
            model_name="subscription",
            index=models.Index(
                condition=models.Q(("status", "trialing")), fields=["trial_end", "id"], name="subscription_trial_end"
            ),
        ),
    ]
