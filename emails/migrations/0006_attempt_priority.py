from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("emails", "0005_priority"),
    ]

    operations = [
        migrations.AddField(
            model_name="deliveryattempt",
            name="priority",
            field=models.PositiveSmallIntegerField(
                choices=[(0, "a person is waiting for it"), (1, "normal"), (2, "bulk")], db_default=1, default=1
            ),
        ),
    ]
