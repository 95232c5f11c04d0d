from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("operations", "0003_counts")]

    operations = [
        migrations.AddField("heartbeat", "worked_at", models.DateTimeField(null=True)),
        migrations.AddField("heartbeat", "stopped_at", models.DateTimeField(null=True)),
    ]
