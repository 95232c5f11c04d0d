"""Transactions in which PostgreSQL's plans don't depend on statistics, and indexes that are added while it runs."""

import pytest
from django.db import connection, transaction

from common.db import PLANNER_SETTINGS, first_row_by_index, index_walks

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: set DATABASE_URL")


def planner_settings() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setting FROM pg_settings WHERE name = ANY (%s)", [list(PLANNER_SETTINGS)])
        return {value for (value,) in cursor.fetchall()}


@pytest.mark.django_db(transaction=True)
def test_the_settings_end_with_the_transaction():
    before = planner_settings()
    with index_walks():
        assert planner_settings() == {"off"}
    assert planner_settings() == before
    assert first_row_by_index("SELECT current_setting('enable_sort'), 7") == ("off", 7)
    assert planner_settings() == before


@pytest.mark.django_db(transaction=True)
def test_the_settings_end_before_a_transaction_around_them():
    with transaction.atomic():
        before = planner_settings()
        with index_walks():
            with index_walks():
                pass
            assert planner_settings() == {"off"}
        assert planner_settings() == before
        with pytest.raises(RuntimeError), index_walks():
            raise RuntimeError
        assert planner_settings() == before
        assert first_row_by_index("SELECT current_setting('enable_sort')") == ("off",)
        assert planner_settings() == before
