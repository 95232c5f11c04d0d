"""Base classes of API views."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.views import APIView

from common.throttling import Limits, seconds_to_wait


class ThrottledView(APIView):
    """A view with rate limits that a page can share (common/throttling.py)."""

    limits: ClassVar[Limits] = ()

    def check_throttles(self, request: Request) -> None:
        super().check_throttles(request)
        if (seconds := seconds_to_wait(self.limits, request)) is not None:
            self.throttled(request, seconds)
