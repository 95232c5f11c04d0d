"""The URLs of this app alone, so that its tests don't need the routes of other apps."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls), path("dev/", include("emails.development.urls"))]
