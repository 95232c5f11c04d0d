from django.db import migrations, models

from common.online_indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # the index is built while the application writes

    dependencies = [
        ("accounts", "0006_email_permission"),
    ]

    operations = [
        AddIndexOnline(
            model_name="user",
            index=models.Index(fields=["date_joined", "id"], name="user_joined"),
        ),
    ]
