"""Fixtures of the tests of operations."""

from emails.tests.conftest import deliver as deliver
from emails.tests.conftest import fail_over as fail_over
from emails.tests.conftest import live_through as live_through
from emails.tests.conftest import outbox as outbox
from emails.tests.conftest import provider_api as provider_api
from emails.tests.conftest import queue_emails as queue_emails
from emails.tests.conftest import standin_server as standin_server
from emails.tests.conftest import use_provider as use_provider
from emails.tests.conftest import use_two as use_two
from emails.tests.conftest import webhook_sender_for as webhook_sender_for
