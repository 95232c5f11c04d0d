"""How the API responds to the errors that services raise."""

from datetime import timedelta

import pytest

from common.api.errors import STATUSES, handle_exception
from common.errors import ApplicationError, Category


class Closed(ApplicationError):
    category = Category.UNAVAILABLE
    default_message = "We are closed."
    code = "closed"


def test_message_becomes_detail_and_code():
    response = handle_exception(Closed(), {})
    assert response is not None
    assert response.status_code == 503
    assert response.data == {"detail": "We are closed.", "code": "closed"}
    assert "Retry-After" not in response.headers


def test_field_messages_replace_detail():
    response = handle_exception(Closed("Closed on Sundays.", fields={"day": ["Choose another day."]}), {})
    assert response is not None
    assert response.data == {"day": ["Choose another day."]}


def test_retry_after_is_in_whole_seconds():
    response = handle_exception(Closed(retry_after=timedelta(seconds=2.9)), {})
    assert response is not None
    assert response.headers["Retry-After"] == "2"


@pytest.mark.parametrize("category", Category)
def test_every_category_has_a_status(category):
    assert 400 <= STATUSES[category] < 600


def test_other_exceptions_stay_uncaught():
    assert handle_exception(RuntimeError(), {}) is None
