"""The API under /api/billing/, with and without the trailing slash."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
