"""The priority of an email: the caller's, or else the one of its kind."""

import pytest
from django.core.mail import EmailMessage

from emails import kinds, samples
from emails.backends.outbox import row_from
from emails.models import Priority
from emails.tests.support.fixtures_kinds import WriteKind, write_kind

__all__ = ["write_kind"]

WAITED_FOR = {"already_registered", "email_change", "email_keep", "password_reset", "welcome"}


def test_kinds_with_a_link_that_a_person_waits_for_come_first():
    priorities = {kind: kinds.priority_of(kind) for kind in samples.folders()}
    assert {kind for kind, priority in priorities.items() if priority == Priority.WAITING} == WAITED_FOR
    assert {priorities[kind] for kind in priorities.keys() - WAITED_FOR} == {Priority.NORMAL}


@pytest.mark.parametrize(
    ("attributes", "priority"),
    [
        ({}, Priority.NORMAL),
        ({"kind": "password_reset"}, Priority.WAITING),
        ({"kind": "password_reset", "priority": Priority.BULK}, Priority.BULK),
        ({"priority": Priority.WAITING}, Priority.WAITING),
        ({"kind": "unknown"}, Priority.NORMAL),
    ],
)
def test_the_caller_decides_before_the_kind(attributes: dict[str, object], priority: Priority):
    message = EmailMessage("Hi", "Body", "hello@acme.example", ["ada@example.com"])
    vars(message).update(attributes)
    assert row_from(message).priority == priority


def test_a_priority_that_does_not_exist_is_named(write_kind: WriteKind):
    (write_kind("odd_priority") / "kind.json").write_text('{"priority": "urgent"}')
    with pytest.raises(
        ValueError, match=r"odd_priority/kind\.json: the priority 'urgent' is not one of waiting, normal, bulk"
    ):
        kinds.priority_of("odd_priority")
