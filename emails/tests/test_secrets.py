"""API keys never appear in logs, exceptions, pickles, the admin, stored rows, events, or Celery results."""

import pickle
import traceback

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model

from emails.errors import ProviderError
from emails.tasks import deliver_due
from emails.tests.conftest import PROVIDERS
from emails.tests.support.messages import backend, mail
from emails.tests.support.provider_rules import Reply

KEY = "re_veryUnmistakableKey0123456789"
ECHO = f"Authorization: Bearer {KEY} was sent, {KEY}"
RESPONSES = [
    Reply(401, {"message": ECHO, "error": ECHO, "errors": [{"message": ECHO}]}),
    Reply(400, {"message": ECHO, "error": ECHO, "errors": [{"message": ECHO}], "headers": {"Authorization": KEY}}),
    Reply(403, ECHO.encode(), {"Content-Type": "text/plain"}),
    Reply(500, f"<html>{ECHO}</html>".encode(), {"Content-Type": "text/html"}),
    Reply(429, {"message": ECHO}, {"Retry-After": "100"}),
    Reply(200, f"rubbish {KEY}".encode()),
    Reply(302, b"", {"Location": f"https://evil.example/?key={KEY}"}),
    "cut-before",
    "cut-after",
    "timeout-before",
]


@pytest.fixture(params=PROVIDERS)
def provider(request, use_provider, settings):
    """The name of each provider in turn, which the worker uses with a recognizable key."""
    use_provider(request.param)
    setattr(settings, f"{request.param.upper()}_API_KEY", KEY)
    return request.param


def everything_stored() -> str:
    """Every column of every row of every table, as one text."""
    return str([row for model in apps.get_models() for row in model._default_manager.values()])


@pytest.mark.parametrize("response", RESPONSES, ids=str)
def test_api_key_never_leaks_from_worker_or_admin(
    provider, provider_api, queue_emails, caplog, capfd, client, response
):
    caplog.set_level("DEBUG")
    (row,) = queue_emails()
    provider_api.faults = [response]
    result = deliver_due.apply()
    texts = [everything_stored(), str(result.result), str(result.traceback), caplog.text, *capfd.readouterr()]
    pages = [f"/admin/emails/outboundemail/{row.pk}/change/", "/admin/emails/providerstate/", "/readyz"]
    pages += [f"/admin/emails/deliveryattempt/{attempt.pk}/change/" for attempt in row.attempts.all()]
    client.force_login(get_user_model().objects.create_superuser("root@example.com", "correct horse", name="Root"))
    texts += [client.get(page).content.decode() for page in pages]
    assert provider_api.calls
    assert KEY not in "".join(texts)


@pytest.mark.parametrize("response", RESPONSES, ids=str)
def test_api_key_never_leaks_from_a_raised_error(provider, provider_api, response):
    provider_api.faults = [response]
    connection = backend(provider, provider_api)
    connection._api_key = KEY
    with pytest.raises(ProviderError) as caught:
        connection.send_messages([mail()])
    error = caught.value
    frames = traceback.TracebackException.from_exception(error, capture_locals=False)
    texts = [str(error), repr(error), str(error.args), str(vars(error)), *frames.format()]
    assert KEY not in "".join(texts)
    assert KEY.encode() not in pickle.dumps(error)
    assert (error.__cause__, error.__context__) == (None, None)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("key", [KEY, "of-no-known-form"])
def test_api_key_never_leaks_from_delivery_events(webhook_sender_for, settings, provider, key):
    setattr(settings, f"{provider.upper()}_API_KEY", key)
    kind = "bounce" if provider == "sendgrid" else "email.bounced"
    webhook_sender = webhook_sender_for(provider)
    webhook_sender.send_event(
        kind, message="m1", reason=f"It was {key}.", bounce={"message": f"Bearer {key}"}, **{key: "a name"}
    )
    assert key not in everything_stored()
