"""Production settings with the bugs of tests/support/failing.py."""

from tests.support.site_settings import *  # noqa: F403
from tests.support.site_settings import INSTALLED_APPS

INSTALLED_APPS.append("tests.support.failing.FailingConfig")
ROOT_URLCONF = "tests.support.failing_urls"
