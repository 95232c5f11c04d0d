"""What the home page shows."""

from typing import Any

from common.db import database_now, index_walks
from operations.doctor import reports
from operations.home import alive
from operations.home.attention import listing
from operations.home.charts.figures import figures
from operations.home.viewer import Viewer
from operations.models import Report


def home_page(viewer: Viewer) -> dict[str, Any]:
    """Return the context of admin/index.html. Reads a bounded number of rows, however many there are."""
    report = reports.latest() if viewer.may_view(Report) else None
    # One transaction for all queries, because each of its own would cost three more.
    with index_walks():
        now = database_now()
        return {
            "items": listing.items(now, viewer),
            "parts": alive.parts(now, viewer),
            "figures": figures(now, viewer),
            "checked_at": report.checked_at if report else None,
            "now": now,
        }
