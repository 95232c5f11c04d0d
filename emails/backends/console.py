"""The backend of EMAIL_PROVIDER=console, which sends nothing."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.console import EmailBackend


class ConsoleBackend(EmailBackend):
    """Prints emails as Django's backend does, but not if the development inbox shows them.

    The log then has one line for each email with a link to it, which a page of HTML would hide.
    """

    def write_message(self, message: EmailMessage) -> None:
        if not settings.DEVELOPMENT_ROUTES:
            super().write_message(message)
