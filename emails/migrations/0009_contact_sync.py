from typing import Any

from django.db import migrations, models

from common.online_indexes import AddIndexOnline

NAMES = {
    "customAttributes": "attributes",
    "firstName": "first_name",
    "externalId": "external_id",
    "occurredAt": "occurred_at",
}

BATCH_SIZE = 500

CAUSES = [
    ("hard_bounce", "hard bounce"),
    ("complaint", "complaint"),
    ("soft_bounces", "repeated soft bounces"),
    ("unsubscribed", "unsubscribed"),
    ("manual", "added manually"),
]


def use_neutral_names(apps: Any, schema_editor: Any) -> None:
    """Rename the fields of changes that still wait, which had Sequenzy's names. Lists are a setting, not a field."""
    changes = apps.get_model("emails", "ContactChange").objects
    waiting = changes.filter(settled_at=None, action__in=["subscribe", "track_event"]).order_by("pk")
    last = 0
    while batch := [*waiting.filter(pk__gt=last)[:BATCH_SIZE]]:
        for change in batch:
            content = change.content or {}
            change.content = {NAMES.get(name, name): value for name, value in content.items() if name != "lists"}
        changes.bulk_update(batch, ["content"])
        last = batch[-1].pk


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("emails", "0008_large_tables"),
    ]

    operations = [
        migrations.AddField(
            model_name="contactchange",
            name="former_address",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="In lowercase. Only for a change of the email address.",
                max_length=320,
                verbose_name="former email address",
            ),
        ),
        migrations.AddField(
            model_name="contactchange",
            name="progress",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                help_text="What the calls that were made so far found out, if the change takes several.",
            ),
        ),
        migrations.AlterField(
            model_name="contactchange",
            name="action",
            field=models.CharField(
                choices=[
                    ("subscribe", "subscribe"),
                    ("update", "update attributes"),
                    ("add_tag", "add a tag"),
                    ("remove_tag", "remove a tag"),
                    ("track_event", "track an event"),
                    ("change_address", "change the email address"),
                    ("unsubscribe", "unsubscribe"),
                    ("forget", "forget"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="deliveryevent",
            name="cause",
            field=models.CharField(
                blank=True,
                choices=CAUSES,
                db_default="",
                help_text="Why the email address is on the provider's suppression list.",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="suppression",
            name="cause",
            field=models.CharField(choices=CAUSES, default="manual", max_length=16),
        ),
        migrations.AlterField(
            model_name="suppression",
            name="scope",
            field=models.CharField(
                blank=True,
                choices=[
                    ("everything", "all email"),
                    ("unrequested", "all email except what the person requests, such as a password reset"),
                    ("marketing", "marketing email"),
                ],
                help_text="What isn't sent. By default, it follows from the cause.",
                max_length=16,
            ),
        ),
        migrations.RunPython(use_neutral_names, migrations.RunPython.noop),
        AddIndexOnline(
            model_name="contactchange",
            index=models.Index(
                condition=models.Q(("settled_at__isnull", True), models.Q(("former_address", ""), _negated=True)),
                fields=["former_address", "id"],
                name="contact_unsettled_rename",
            ),
        ),
    ]
