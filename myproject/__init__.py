"""Wires the apps together. Importing the Celery app here makes shared_task use it in every process."""

from myproject.celery import app as celery_app

__all__ = ["celery_app"]
