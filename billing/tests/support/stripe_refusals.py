"""How the stand-in for Stripe refuses a request."""

from typing import Any

Json = dict[str, Any]


class RequestRefused(Exception):
    def __init__(self, status: int, message: str, **details: str) -> None:
        super().__init__(message)
        self.status = status
        self.details: Json = {"type": "invalid_request_error", "message": message, **details}


def require(condition: Any, message: str, status: int = 400, **details: str) -> None:
    if not condition:
        raise RequestRefused(status, message, **details)


def refuse_unknown(parameters: Json, known: set[str]) -> None:
    for name in parameters.keys() - known:
        raise RequestRefused(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
