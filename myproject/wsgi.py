"""The WSGI application, for `gunicorn myproject.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

from common.wsgi import ReadableRequests
from myproject.static_files import require_collected_files

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.production")

application = ReadableRequests(get_wsgi_application())
require_collected_files()
