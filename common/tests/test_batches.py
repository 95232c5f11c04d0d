"""Old rows are changed in batches, each in a transaction of its own, whatever else their rows have in common."""

from datetime import UTC, datetime

import pytest
from django.contrib.sessions.models import Session
from django.db import connection

from common import batches
from common.batches import delete_in_batches, in_batches, keys_in_batches

DAY = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(batches, "BATCH_SIZE", 3)


@pytest.fixture(params=["the same time", "different times"])
def sessions(request, db):
    """Ten rows, whose times are all the same or all different."""
    step = 0 if request.param == "the same time" else 1
    Session.objects.bulk_create(
        Session(session_key=f"key-{number}", expire_date=DAY.replace(day=1 + step * number)) for number in range(10)
    )
    return Session.objects.all()


def test_all_rows_are_deleted(sessions):
    assert delete_in_batches(sessions, "expire_date") == 10
    assert delete_in_batches(sessions, "expire_date") == 0


def test_rows_that_no_longer_match_are_not_changed_again(sessions):
    seen = []

    def change(rows):
        seen.extend(rows.values_list("pk", flat=True))
        assert rows.update(session_data="blank") <= 3

    assert in_batches(sessions.exclude(session_data="blank"), "expire_date", change) == 10
    assert len(seen) == len(set(seen)) == 10


def test_rows_that_stay_are_passed_once(sessions):
    found = list(keys_in_batches(sessions, "expire_date", 3))
    assert [len(keys) for keys in found] == [3, 3, 3, 1]
    assert len({key for keys in found for key in keys}) == 10


@pytest.mark.django_db(transaction=True)
def test_each_batch_is_committed():
    Session.objects.bulk_create(Session(session_key=str(number), expire_date=DAY) for number in range(5))

    def delete_and_fail_later(rows):
        if rows.filter(session_key="4").exists():
            raise RuntimeError
        rows.delete()

    with pytest.raises(RuntimeError):
        in_batches(Session.objects.all(), "expire_date", delete_and_fail_later)
    assert Session.objects.count() == 2
    assert not connection.in_atomic_block
