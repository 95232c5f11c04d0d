from django.db import migrations, models

from common.online_indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # the indexes are built while the application writes

    dependencies = [
        ("billing", "0012_words_for_staff"),
    ]

    operations = [
        AddIndexOnline(
            model_name="customer",
            index=models.Index(
                condition=models.Q(("email", ""), _negated=True), fields=["email"], name="customer_email"
            ),
        ),
        AddIndexOnline(
            model_name="payment",
            index=models.Index(
                condition=models.Q(("paid_at__isnull", False)), fields=["paid_at"], name="payment_paid_at"
            ),
        ),
        AddIndexOnline(
            model_name="payment",
            index=models.Index(
                condition=models.Q(("last_failed_at__isnull", False)),
                fields=["last_failed_at"],
                name="payment_failed_at",
            ),
        ),
        AddIndexOnline(
            model_name="payment",
            index=models.Index(
                condition=models.Q(("email", ""), _negated=True), fields=["email"], name="payment_email"
            ),
        ),
        # The order of the admin's lists.
        AddIndexOnline(
            model_name="customer",
            index=models.Index(fields=["created_at", "id"], name="customer_created"),
        ),
        AddIndexOnline(
            model_name="payment",
            index=models.Index(fields=["created_at", "id"], name="payment_created"),
        ),
        AddIndexOnline(
            model_name="subscription",
            index=models.Index(fields=["version", "id"], name="subscription_version"),
        ),
    ]
