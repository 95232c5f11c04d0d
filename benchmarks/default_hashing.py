"""Production's settings with Django's own Argon2 hasher, which login_storm.py compares with."""

from settings.production import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
