"""python -m tests.django_mail"""

import os
import sys
import tempfile
from importlib import import_module

import django

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DJANGO_SETTINGS_MODULE"] = "settings.test"
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/django_mail.sqlite3"
        django.setup()
        # Its imports need the settings.
        sys.exit(import_module("tests.django_mail.runner").main())
