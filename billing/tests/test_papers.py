"""The README says which events to tick at Stripe, docs/billing.md what each does: all that are handled, no others."""

import re
from pathlib import Path

from billing.webhook.handlers import HANDLERS

ROOT = Path(__file__).resolve().parent.parent.parent
TWINS = {"invoice.payment_succeeded", "charge.refunded"}  # of invoice.paid and refund.created: not needed beside them


def test_the_readme_lists_what_to_tick():
    readme = (ROOT / "README.md").read_text()
    (block,) = re.findall(r"select exactly these events:\n\n\s*```text\n(.*?)```", readme, re.DOTALL)
    assert block.split() == [name for name in HANDLERS if name not in TWINS]


def test_the_table_says_what_each_event_does():
    text = (ROOT / "docs/billing.md").read_text()
    assert re.findall(r"^\| `([a-z_]+\.[a-z_.]+)` \|", text, re.MULTILINE) == list(HANDLERS)
