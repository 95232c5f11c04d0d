"""/api/schema/: the description of the API, built once per process, and its documentation at /api/docs/."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from threading import Lock
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.encoding import force_bytes
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

CACHED = timedelta(hours=1)
# Building takes long, and drf-spectacular isn't thread-safe while it loads its extensions.
building = Lock()


class SchemaView(SpectacularAPIView):
    """Returns the schema as YAML or JSON. It's the same for everybody, so proxies and browsers may keep it."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        renderer: BaseRenderer = request.accepted_renderer
        renderer_class: Callable[[], BaseRenderer] = type(renderer)
        with building:
            document = rendered(renderer_class)
        response = HttpResponse(document, content_type=f"{renderer.media_type}; charset=utf-8")
        response["Content-Disposition"] = f'inline; filename="schema.{renderer.format}"'
        response["ETag"] = etag = f'"{hashlib.sha256(document).hexdigest()[:32]}"'
        patch_cache_control(response, public=True, max_age=int(CACHED.total_seconds()))
        return get_conditional_response(request._request, etag=etag, response=response) or response


@cache
def rendered(renderer: Callable[[], BaseRenderer]) -> bytes:
    """Return the whole document. Call it with the lock."""
    return force_bytes(renderer().render(schema(), renderer_context={}))


@cache
def schema() -> dict[str, Any]:
    with translation.override(settings.LANGUAGE_CODE):
        generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
        content: dict[str, Any] = generator.get_schema(request=None, public=True)
    return content
