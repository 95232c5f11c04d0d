"""Base classes of API views."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from common.throttling import Limits, seconds_to_wait, unlimited


class LimitsThrottle(BaseThrottle):
    """The only throttle of a view: DRF asks every throttle, even if another has refused the request already."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._seconds: float | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        self._seconds = seconds_to_wait(self._limits, request)
        return self._seconds is None

    def wait(self) -> float | None:
        return self._seconds


class ThrottledView(APIView):
    """A view with rate limits that a page can share (common/throttling.py)."""

    limits: ClassVar[Limits] = unlimited

    def get_throttles(self) -> list[BaseThrottle]:
        return [LimitsThrottle(type(self).limits)]  # through the class, which passes no `self`
