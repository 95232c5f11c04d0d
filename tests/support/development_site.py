"""The site as a developer sees it: runserver under development settings, on SQLite, with EMAIL_PROVIDER=console.

Tests deliver its email themselves, with ``deliver()``, instead of starting a worker.
"""

from pathlib import Path

import requests

from tests.support.site import Site

ADA = {"email": "ada@example.com", "name": "Ada", "password": "a-long-engine-1843"}


class DevelopmentSite(Site):
    """Use as a context manager."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        port = self.url.rpartition(":")[2]
        self.command = ["manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
        self.environment = {
            "PATH": self.environment["PATH"],
            "DJANGO_SETTINGS_MODULE": "settings.development",
            "DATABASE_URL": f"sqlite:///{self.database}",
            "CELERY_BROKER_URL": "memory://",
            "EMAIL_PROVIDER": "console",
            "APP_URL": self.url,
            "PORT": port,
            "PYTHONUNBUFFERED": "1",
        }

    def sign_up(self, email: str) -> None:
        """Sign up a user, which queues the welcome email."""
        response = requests.post(f"{self.url}/api/accounts/signup/", json={**ADA, "email": email}, timeout=60)
        assert response.status_code == 201, response.text

    def queue(self, html: str, subject: str = "Hello", files: str = "[]") -> None:
        """Queue an email with this HTML to bob@example.com."""
        self.manage(
            "shell",
            "-v0",
            "-c",
            "from django.core.mail import EmailMultiAlternatives\n"
            f"message = EmailMultiAlternatives({subject!r}, 'Text', None, ['bob@example.com'], attachments={files})\n"
            f"message.attach_alternative({html!r}, 'text/html')\n"
            "message.send()\n",
        )

    def deliver(self) -> None:
        self.manage("shell", "-v0", "-c", "from emails import delivery; delivery.deliver_due()")
