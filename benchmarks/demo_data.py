"""Time to write and to remove the demo data.

    python benchmarks/demo_data.py            on SQLite, or on an empty DATABASE_URL

Runs `manage.py seed_demo` with 2,000 people and 20,000 emails, in a process of its own, and removes them again. Target:
at most 60 seconds each, on an idle machine.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.figures import report

TARGET_SECONDS = 60


def seconds_for(*arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, check=True)
    return time.perf_counter() - started


with tempfile.TemporaryDirectory() as folder:
    environment = {
        "DATABASE_URL": f"sqlite:///{folder}/demo.sqlite3",
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "settings.development",
        "EMAIL_PROVIDER": "console",
    }
    seconds_for("migrate", "-v0")
    is_fast = [
        report("writing 2,000 people and 20,000 emails", seconds_for("seed_demo"), TARGET_SECONDS, " s"),
        report("removing them", seconds_for("seed_demo", "--remove"), TARGET_SECONDS, " s"),
    ]
sys.exit(not all(is_fast))
