from typing import Any

from django.db import migrations, models


def set_scopes(apps: Any, schema_editor: Any) -> None:
    """Give the existing rows the scope that follows from their cause."""
    suppressions = apps.get_model("emails", "Suppression").objects
    suppressions.filter(cause="complaint").update(scope="unrequested")
    suppressions.exclude(cause="complaint").update(scope="everything")


class Migration(migrations.Migration):
    dependencies = [
        ("emails", "0003_person"),
    ]

    operations = [
        migrations.AddField(
            model_name="deliveryevent",
            name="cause",
            field=models.CharField(
                blank=True,
                choices=[
                    ("hard_bounce", "hard bounce"),
                    ("complaint", "complaint"),
                    ("soft_bounces", "repeated soft bounces"),
                    ("manual", "added manually"),
                ],
                db_default="",
                help_text="Why the email address is on the provider's suppression list.",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="deliveryevent",
            name="is_recipient_from_list",
            field=models.BooleanField(
                db_default=False, default=False, help_text="The provider copied the recipient from the message."
            ),
        ),
        migrations.AddField(
            model_name="suppression",
            name="scope",
            field=models.CharField(
                blank=True,
                choices=[
                    ("everything", "all email"),
                    ("unrequested", "all email except what the person requests, such as a password reset"),
                ],
                help_text="What isn't sent. By default, it follows from the cause.",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="suppression",
            name="address",
            field=models.CharField(help_text="In lowercase.", max_length=320, verbose_name="email address"),
        ),
        migrations.RunPython(set_scopes, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="suppression",
            constraint=models.UniqueConstraint(
                fields=("address", "scope"),
                name="one_suppression_a_scope",
                violation_error_message="This email address is already suppressed.",
            ),
        ),
    ]
