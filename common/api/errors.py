"""The API's responses to exceptions."""

from itertools import islice
from typing import Any

from rest_framework.response import Response
from rest_framework.status import (
    HTTP_400_BAD_REQUEST,
    HTTP_402_PAYMENT_REQUIRED,
    HTTP_403_FORBIDDEN,
    HTTP_409_CONFLICT,
    HTTP_502_BAD_GATEWAY,
    HTTP_503_SERVICE_UNAVAILABLE,
)
from rest_framework.views import exception_handler, set_rollback

from common import outages
from common.errors import ApplicationError, Category

STATUSES = {
    Category.INVALID: HTTP_400_BAD_REQUEST,
    Category.FORBIDDEN: HTTP_403_FORBIDDEN,
    Category.PAYMENT_REQUIRED: HTTP_402_PAYMENT_REQUIRED,
    Category.CONFLICT: HTTP_409_CONFLICT,
    Category.UPSTREAM: HTTP_502_BAD_GATEWAY,
    Category.UNAVAILABLE: HTTP_503_SERVICE_UNAVAILABLE,
}

# Of one response to invalid input.
MAX_ITEMS = 20
MAX_CHARACTERS = 300


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the response to an ApplicationError, and DRF's own response to every other exception.

    An outage of the database counts as an ApplicationError. The body is ``{"field": ["message"]}`` if single fields are
    wrong, and ``{"detail", "code"}`` otherwise.
    """
    refusal = error if isinstance(error, ApplicationError) else outages.unavailable(error)
    if refusal is None:
        response = exception_handler(error, context)
        if response is not None:
            response.data = bounded(response.data)
        return response
    return refuse(refusal, is_logged=refusal is not error)


def refuse(error: ApplicationError, *, is_logged: bool) -> Response:
    set_rollback()  # with ATOMIC_REQUESTS, a refused request must not keep half of its changes
    body: dict[str, Any] = bounded({**error.fields}) or {"detail": error.message, "code": error.code}
    headers = {"Retry-After": str(int(error.retry_after.total_seconds()))} if error.retry_after else {}
    response = Response(body, status=STATUSES[error.category], headers=headers)
    vars(response)["_has_been_logged"] = is_logged  # Django would log every 503 as an error
    return response


def bounded(errors: Any) -> Any:
    """Return the errors with a limited number of items, and with limited texts.

    Some texts quote the input, and a list of invalid items has an error for each.
    """
    if isinstance(errors, dict):
        return {name: bounded(value) for name, value in islice(errors.items(), MAX_ITEMS)}
    if isinstance(errors, list):
        return [bounded(value) for value in errors[:MAX_ITEMS]]
    if isinstance(errors, str) and len(errors) > MAX_CHARACTERS:
        return f"{errors[:MAX_CHARACTERS]}…"
    return errors
