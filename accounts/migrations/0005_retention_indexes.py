from django.db import migrations, models

from common.online_indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("accounts", "0004_email_quotas"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        AddIndexOnline(
            model_name="emailchange",
            index=models.Index(fields=["at"], name="email_change_age"),
        ),
        AddIndexOnline(
            model_name="login",
            index=models.Index(fields=["at", "id"], name="login_age"),
        ),
        AddIndexOnline(
            model_name="user",
            index=models.Index(
                condition=models.Q(("email_verified_at__isnull", True), ("last_login__isnull", True)),
                fields=["date_joined", "id"],
                name="user_unconfirmed",
            ),
        ),
    ]
