"""Routes of the development pages, included at /dev/ if settings.DEVELOPMENT_ROUTES is set."""

from django.urls import path

from emails.development import actions, gallery, inbox

app_name = "development"

urlpatterns = [
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox.json", inbox.inbox_json, name="inbox_json"),
    path("inbox/live/", inbox.live, name="inbox_live"),
    path("inbox/delete/", actions.delete_all, name="delete_all"),
    path("inbox/<uuid:pk>/", inbox.inbox, name="message"),
    path("inbox/<uuid:pk>/html/", inbox.inbox_html, name="message_html"),
    path("inbox/<uuid:pk>/source/", inbox.source, name="message_source"),
    path("inbox/<uuid:pk>/attachments/<int:index>/", inbox.attachment, name="attachment"),
    path("inbox/<uuid:pk>/send/", actions.send, name="send"),
    path("inbox/<uuid:pk>/simulate/", actions.simulate, name="simulate"),
    path("inbox/<uuid:pk>/delete/", actions.delete, name="delete"),
    path("emails/", gallery.gallery, name="gallery"),
    path("emails/live/", gallery.live, name="gallery_live"),
    path("emails/<slug:kind>/", gallery.gallery, name="kind"),
    path("emails/<slug:kind>/html/", gallery.sample_html, name="sample_html"),
    path("emails/<slug:kind>/send/", actions.send_sample, name="send_sample"),
]
