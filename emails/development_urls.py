"""Routes of the development inbox and the gallery, included at /dev/ by settings.development alone."""

from django.urls import path

from emails import previews

app_name = "development"

urlpatterns = [
    path("inbox/", previews.inbox, name="inbox"),
    path("inbox.json", previews.inbox_json, name="inbox_json"),
    path("inbox/<uuid:pk>/", previews.inbox, name="message"),
    path("inbox/<uuid:pk>/html/", previews.inbox_html, name="message_html"),
    path("emails/", previews.gallery, name="gallery"),
    path("emails/<slug:kind>/html/", previews.sample_html, name="sample_html"),
]
