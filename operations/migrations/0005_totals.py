from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("operations", "0004_last_work")]

    operations = [
        migrations.CreateModel(
            name="Counted",
            fields=[
                ("source", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("until", models.DateTimeField()),
            ],
            options={"verbose_name": "counted table", "verbose_name_plural": "counted tables"},
        ),
        migrations.CreateModel(
            name="Total",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("metric", models.CharField(max_length=64)),
                ("provider", models.CharField(blank=True, max_length=200)),
                ("detail", models.CharField(blank=True, max_length=64)),
                ("bucket", models.CharField(blank=True, max_length=16)),
                ("value", models.FloatField(default=0)),
            ],
            options={
                "verbose_name": "total",
                "verbose_name_plural": "totals",
                "constraints": [
                    models.UniqueConstraint(fields=("metric", "provider", "detail", "bucket"), name="total_of_series")
                ],
            },
        ),
    ]
