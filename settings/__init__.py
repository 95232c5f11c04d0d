"""Settings per environment: settings.development, settings.test, settings.production.

This package itself is no settings module. Django would accept an empty one without a word, so it is refused here.
"""

import os

from django.core.exceptions import ImproperlyConfigured

if os.environ.get("DJANGO_SETTINGS_MODULE") == "settings":
    raise ImproperlyConfigured(
        "DJANGO_SETTINGS_MODULE=settings names the package, not an environment. "
        "Set it to settings.development, settings.test, or settings.production."
    )
