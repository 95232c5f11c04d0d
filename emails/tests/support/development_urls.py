"""The URLs of this app in development, with the receivers of webhooks."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("dev/", include("emails.development.urls")),
    path("emails/", include("emails.urls")),
]
