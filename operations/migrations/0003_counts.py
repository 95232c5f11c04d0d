import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("operations", "0002_report"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeletedEmails",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField(db_index=True)),
                ("kind", models.CharField(blank=True, max_length=64)),
                ("status", models.CharField(max_length=16)),
                ("count", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="CountedHour",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(choices=[("email", "emails"), ("money", "payments")], max_length=8)),
                ("hour", models.DateTimeField()),
                ("counted_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("subject", "hour"), name="one_count_an_hour")],
            },
        ),
        migrations.CreateModel(
            name="EmailCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField()),
                ("day", models.DateField(help_text="The day of the hour in the project's time zone.")),
                ("kind", models.CharField(blank=True, max_length=64)),
                ("status", models.CharField(max_length=16)),
                ("count", models.BigIntegerField(default=0, help_text="Emails that are still stored.")),
                (
                    "deleted",
                    models.BigIntegerField(
                        default=0, help_text="Emails that retention or an erasure has deleted since."
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("hour", "kind", "status"), name="one_email_count")],
            },
        ),
        migrations.CreateModel(
            name="MoneyCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField()),
                ("day", models.DateField(help_text="The day of the hour in the project's time zone.")),
                (
                    "flow",
                    models.CharField(
                        choices=[("paid", "paid"), ("failed", "failed and still unpaid"), ("refunded", "refunded")],
                        max_length=16,
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("count", models.BigIntegerField(default=0)),
                ("amount", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("hour", "flow", "currency"), name="one_money_count")],
            },
        ),
    ]
