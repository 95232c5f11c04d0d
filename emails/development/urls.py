"""Routes of the development pages, included at /dev/ if settings.DEVELOPMENT_ROUTES is set."""

from django.urls import path

from emails.development import views

app_name = "development"

urlpatterns = [
    path("inbox/", views.inbox, name="inbox"),
    path("inbox.json", views.inbox_json, name="inbox_json"),
    path("inbox/<uuid:pk>/", views.inbox, name="message"),
    path("inbox/<uuid:pk>/html/", views.inbox_html, name="message_html"),
    path("emails/", views.gallery, name="gallery"),
    path("emails/<slug:kind>/html/", views.sample_html, name="sample_html"),
]
