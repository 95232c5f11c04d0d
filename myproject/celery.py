"""The Celery app: `celery -A myproject worker`, `celery -A myproject beat`."""

import os

from celery import Celery

# Production by default, as in wsgi.py: a server that was told nothing must not run with DEBUG.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.production")

app = Celery("myproject")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
