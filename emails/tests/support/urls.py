"""The pages of this app alone, so that its tests need no other app's routes."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls), path("dev/", include("emails.development.urls"))]
