"""A hard bounce stops all email to an address; a complaint stops all email that the person didn't request."""

import importlib

import pytest
from django.apps import apps
from django.template import engines

from emails import kinds, samples
from emails.models import OutboundEmail, Status, Suppression
from emails.services import send_templated_email
from emails.support.actions import retry
from emails.tests.support.provider_payloads import COMPLAINT, event_fields
from emails.tracking.suppressions import is_suppressed, suppress

ADA = "ada@example.com"
REQUESTED = {"already_registered", "deletion_notice", "email_change", "email_changed_notice", "email_keep"} | {
    "email_kept_notice",
    "password_changed",
    "password_reset",
    "welcome",
}
Cause = Suppression.Cause


@pytest.fixture
def send_kind(outbox, deliver):
    """Provide a function that sends a kind to Ada and returns the status in which the email ended."""

    def send_kind(kind: str) -> str:
        send_templated_email(kind=kind, to=ADA, context=samples.sample_context(kind), idempotency_key=kind)
        deliver()
        return OutboundEmail.objects.get(idempotency_key=kind).status

    return send_kind


def test_every_account_email_is_requested_and_no_other():
    assert {kind for kind in samples.folders() if kinds.is_requested(kind)} == REQUESTED
    assert not any(map(kinds.is_requested, ("", "unknown", "../welcome", "base.html")))


@pytest.mark.parametrize("kind", [*samples.folders()])
def test_complaint_stops_only_what_nobody_requested(send_kind, db, kind):
    suppress(ADA, cause=Cause.COMPLAINT)
    assert send_kind(kind) == (Status.SENT if kind in REQUESTED else Status.SUPPRESSED)


@pytest.mark.parametrize("cause", [Cause.HARD_BOUNCE, Cause.SOFT_BOUNCES, Cause.MANUAL])
def test_every_other_cause_stops_everything(send_kind, db, cause):
    suppress(ADA, cause=cause)
    assert {send_kind(kind) for kind in ("password_reset", "receipt")} == {Status.SUPPRESSED}


def test_email_without_a_kind_is_not_requested(queue_emails, deliver, provider_api):
    suppress("person-0@example.com", cause=Cause.COMPLAINT)
    queue_emails()
    deliver()
    assert (OutboundEmail.objects.get().status, provider_api.calls) == (Status.SUPPRESSED, 0)


def test_reset_after_a_reported_complaint_arrives(
    webhook_sender, provider, sent_email, provider_api, queue_emails, deliver
):
    webhook_sender.send_event(COMPLAINT[provider], **event_fields(sent_email, provider))
    accepted = len(provider_api.accepted)
    [reset] = queue_emails(kind="password_reset")
    [receipt] = queue_emails(kind="receipt")
    deliver()
    statuses = [OutboundEmail.objects.get(pk=row.pk).status for row in (reset, receipt)]
    assert statuses == [Status.SENT, Status.SUPPRESSED]
    assert len(provider_api.accepted) == accepted + 1


def test_complaint_about_requested_email_does_not_stop_it(
    webhook_sender, provider, use_provider, queue_emails, deliver
):
    """Staff can still stop it by hand, and the number of emails to one address in a day is limited."""
    use_provider(provider)
    [reset] = queue_emails(kind="password_reset")
    deliver()
    reset.refresh_from_db()
    webhook_sender.send_event(COMPLAINT[provider], **event_fields(reset, provider))
    [second] = queue_emails(kind="password_reset")
    deliver()
    assert OutboundEmail.objects.get(pk=second.pk).status == Status.SENT


@pytest.mark.parametrize("causes", [(Cause.COMPLAINT, Cause.HARD_BOUNCE), (Cause.HARD_BOUNCE, Cause.COMPLAINT)])
def test_each_scope_is_lifted_on_its_own(db, causes):
    for cause in causes:
        suppress(ADA, cause=cause)
    assert is_suppressed(ADA, "password_reset")
    Suppression.objects.get(scope="everything").delete()
    assert (is_suppressed(ADA, "password_reset"), is_suppressed(ADA, "receipt")) == (False, True)
    Suppression.objects.get(scope="unrequested").delete()
    assert not is_suppressed(ADA)


def test_suppressed_receipt_cannot_be_retried_but_reset_can(send_kind, db):
    suppress(ADA, cause=Cause.HARD_BOUNCE)
    assert {send_kind(kind) for kind in ("password_reset", "receipt")} == {Status.SUPPRESSED}
    Suppression.objects.all().delete()
    suppress(ADA, cause=Cause.COMPLAINT)
    retry(OutboundEmail.objects.get(kind="password_reset"))
    with pytest.raises(Exception, match="Remove the suppression"):
        retry(OutboundEmail.objects.get(kind="receipt"))


def test_scope_follows_from_the_cause(db):
    rows = [Suppression.objects.create(address=f"{cause}@example.com", cause=cause) for cause in Cause.values]
    scopes = {row.cause: row.scope for row in rows}
    assert scopes.pop("complaint") == "unrequested"
    assert scopes.pop("unsubscribed") == "marketing"
    assert set(scopes.values()) == {"everything"}


def test_existing_rows_get_the_scope_of_their_cause(db):
    causes = [Cause.HARD_BOUNCE, Cause.COMPLAINT, Cause.SOFT_BOUNCES, Cause.MANUAL]
    Suppression.objects.bulk_create(Suppression(address=f"{cause}@example.com", cause=cause) for cause in causes)
    migration = importlib.import_module("emails.migrations.0004_suppression_scopes")
    migration.set_scopes(apps, None)
    assert dict(Suppression.objects.values_list("cause", "scope")) == {
        "hard_bounce": "everything",
        "complaint": "unrequested",
        "soft_bounces": "everything",
        "manual": "everything",
    }


def test_staff_choose_the_scope(admin_client):
    for scope in ("", "unrequested", "everything"):
        admin_client.post("/admin/emails/suppression/add/", {"address": ADA, "scope": scope})
    assert {(row.scope, row.cause) for row in Suppression.objects.all()} == {
        ("everything", "manual"),
        ("unrequested", "manual"),
    }


@pytest.mark.parametrize("content", ["[]", "7", "nonsense"])
def test_unusable_file_names_itself(tmp_path, monkeypatch, content):
    folder = tmp_path / "emails" / "odd"
    folder.mkdir(parents=True)
    (folder / "kind.json").write_text(content)
    monkeypatch.setattr(engines["text"], "template_dirs", [tmp_path], raising=False)
    with pytest.raises(ValueError, match=r"kind\.json"):
        kinds.properties("odd")
