"""What the home page shows."""

from typing import Any

from common.db import database_now
from operations.home import alive
from operations.home.attention import doctor, listing
from operations.home.charts.figures import figures
from operations.home.viewer import Viewer


def home_page(viewer: Viewer) -> dict[str, Any]:
    """Return the context of admin/index.html. Reads a bounded number of rows, however many there are."""
    now = database_now()
    report = doctor.latest() if viewer.is_superuser else None
    return {
        "items": listing.items(now, viewer),
        "parts": alive.parts(now, viewer),
        "figures": figures(now, viewer),
        "checked_at": report.checked_at if report else None,
        "now": now,
    }
