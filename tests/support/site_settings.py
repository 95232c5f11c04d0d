"""Production, except for where collected static files go: for a site that a test starts in a folder of its own."""

import os
from pathlib import Path

from settings.production import *  # noqa: F403

STATIC_ROOT = Path(os.environ["TEST_STATIC_ROOT"])
