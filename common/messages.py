"""Storage of the messages that a page shows once, such as "Your profile has been saved."."""

from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class HostCookieStorage(CookieStorage):
    """Django's, with a name that browsers accept from this host only. Django has no setting for the name."""

    cookie_name = "__Host-messages"


class HostMessageStorage(FallbackStorage):
    storage_classes = (HostCookieStorage, SessionStorage)
