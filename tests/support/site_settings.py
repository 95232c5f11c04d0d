"""Production settings with another STATIC_ROOT, for a site that a test starts in its own folder."""

import os
from pathlib import Path

from settings.production import *  # noqa: F403

STATIC_ROOT = Path(os.environ["TEST_STATIC_ROOT"])
