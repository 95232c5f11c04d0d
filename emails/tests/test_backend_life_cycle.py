"""Return counts, reuse, threads, and forks of each provider's backend."""

import os
import threading

import pytest
from django.core.mail import get_connection

from emails.errors import ProviderError
from emails.tests.support.messages import KEY, backend, mail


def test_send_messages_returns_the_sent_count(provider_api, provider):
    assert backend(provider, provider_api).send_messages(mail(to=[f"p{n}@example.com"]) for n in range(3)) == 3
    assert backend(provider, provider_api).send_messages([mail(), mail(to=[]), mail()]) == 2
    assert not backend(provider, provider_api).send_messages([])


def test_backend_can_be_reopened_after_an_error(provider_api, provider):
    connection = backend(provider, provider_api)
    with connection:
        assert connection.send_messages([mail()]) == 1
    connection.close()
    provider_api.faults = ["500"]
    with pytest.raises(ProviderError):
        connection.send_messages([mail()])
    connection.open()
    assert connection.send_messages([mail()]) == 1


def test_fail_silently_returns_the_sent_count(provider_api, provider):
    provider_api.faults = ["ok", "500", "ok"]
    connection = backend(provider, provider_api, fail_silently=True)
    assert connection.send_messages([mail(), mail(), mail(subject="a\nb"), mail()]) == 2


def test_backend_can_be_shared_by_threads(provider_api, provider):
    connection, counts = backend(provider, provider_api), []
    threads = [threading.Thread(target=lambda: counts.append(connection.send_messages([mail()]))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (counts, len(provider_api.accepted)) == ([1] * 8, 8)


def test_backend_works_after_a_fork(provider_api, provider):
    connection = backend(provider, provider_api)
    connection.send_messages([mail()])
    child = os.fork()
    if not child:
        status = 1
        try:
            status = 0 if connection.send_messages([mail(), mail()]) == 2 else 1
        finally:
            os._exit(status)
    assert connection.send_messages([mail()]) == 1
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(provider_api.accepted) == 4


def test_backend_works_by_its_dotted_path(provider_api, provider, settings):
    setattr(settings, f"{provider.upper()}_API_KEY", KEY)
    setattr(settings, f"{provider.upper()}_API_URL", provider_api.url(provider))
    name = {"sequenzy": "Sequenzy", "resend": "Resend", "sendgrid": "SendGrid"}[provider]
    assert get_connection(f"emails.backends.{name}Backend", fail_silently=False).send_messages([mail()]) == 1
