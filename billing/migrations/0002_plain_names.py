from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [
        migrations.RenameField("customer", "marked_user_id", "metadata_user_id"),
        migrations.RenameField("refundedcharge", "told", "announced"),
    ]
