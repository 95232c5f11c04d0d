"""Routes of Django and django-allauth, whose email must go through the outbox."""

from django.conf import settings
from django.urls import include, path

urlpatterns = [path("django/", include("django.contrib.auth.urls"))]
if "allauth" in settings.INSTALLED_APPS:
    urlpatterns.append(path("allauth/", include("allauth.urls")))
