"""The ASGI application, for servers such as uvicorn."""

import os

from django.core.asgi import get_asgi_application

from common.asgi import ReadableRequests
from myproject.static_files import require_collected_files

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.production")

application = ReadableRequests(get_asgi_application())
require_collected_files()
