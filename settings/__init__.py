"""Settings per environment: settings.development, settings.test, and settings.production.

The package itself contains no settings. Django would silently accept it as an empty settings module.
"""

import os

from django.core.exceptions import ImproperlyConfigured

if os.environ.get("DJANGO_SETTINGS_MODULE") == "settings":
    raise ImproperlyConfigured(
        "DJANGO_SETTINGS_MODULE=settings names the package, not an environment. "
        "Set it to settings.development, settings.test, or settings.production."
    )
