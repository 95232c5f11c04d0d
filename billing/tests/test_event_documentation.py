"""README and docs/billing.md list exactly the events that are handled."""

import re
from pathlib import Path

from billing.webhook.handlers import HANDLERS

ROOT = Path(__file__).resolve().parent.parent.parent
TWINS = {"invoice.payment_succeeded", "charge.refunded"}  # these only repeat invoice.paid and refund.created


def test_readme_lists_the_events_to_select():
    readme = (ROOT / "README.md").read_text()
    (block,) = re.findall(r"select exactly these events:\n\n\s*```text\n(.*?)```", readme, re.DOTALL)
    assert block.split() == [name for name in HANDLERS if name not in TWINS]


def test_documentation_describes_every_event():
    text = (ROOT / "docs/billing.md").read_text()
    assert re.findall(r"^\| `([a-z_]+\.[a-z_.]+)` \|", text, re.MULTILINE) == list(HANDLERS)
