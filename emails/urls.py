"""The webhook URLs, which myproject/urls.py includes at /emails/."""

from django.urls import re_path

from emails.webhooks.views import RECEIVERS, webhook

app_name = "emails"

urlpatterns = [
    # With or without the slash: providers don't follow redirects.
    re_path(rf"^webhooks/(?P<provider>{'|'.join(RECEIVERS)})/?$", webhook, name="webhook"),
]
