"""docs/from-the-guide.md, followed in a copy of the project: an order sends one email, with its transaction."""

import os
import re
import subprocess
import sys

import pytest

from tests.support.clone import clone_into
from tests.support.documentation import blocks_of
from tests.support.stack import ROOT

PAGE = ROOT / "docs" / "from-the-guide.md"
NAMED = re.compile(r"(?:# |\{# )([\w/]+\.\w+)(?: #\})?\n")
APPS = '    "billing",\n'
CHECK = """
from django.db import transaction
from accounts.models import User
from emails.models import OutboundEmail
from shop.models import Order
from shop.services import import_orders
emails = OutboundEmail.objects.filter(kind="order_placed")
print([email.subject for email in emails], "$49.00" in emails.get().message.text)
buyer = User.objects.get(email="ada@example.com")
try:
    with transaction.atomic():
        Order.objects.create(buyer=buyer, number="2026-0002", amount=100, currency="usd")
        raise ValueError
except ValueError:
    print(emails.all().count())
import_orders(buyer=buyer, numbers=["2026-0003", "2026-0004"])
print(emails.all().count())
"""


@pytest.fixture
def run(tmp_path):
    """Provide a function that runs a command line in a copy of the project, and returns its output."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment |= {"VENV": sys.prefix, "PYTHONDONTWRITEBYTECODE": "1"}
    clone = clone_into(tmp_path)

    def run(line: str) -> str:
        done = subprocess.run(["sh", "-euc", line], cwd=clone, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
        return done.stdout

    return run


@pytest.mark.slow
def test_order_sends_one_email(run, tmp_path):
    create, *others = [block.text for block in blocks_of(PAGE) if block.language == "sh"]
    run(create)
    for block in blocks_of(PAGE):
        name = NAMED.match(block.text)
        if name or block.language == "json":
            path = tmp_path / (name[1] if name else "templates/emails/order_placed/sample.json")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text[name.end() if name and block.language == "django" else 0 :] + "\n")
    settings = tmp_path / "settings" / "base.py"
    settings.write_text(settings.read_text().replace(APPS, f'{APPS}    "shop",\n', 1))
    run("bin/manage migrate -v0")
    for commands in others:
        run(commands)
    assert run(f"bin/manage shell -v0 -c '{CHECK}'").splitlines()[-3:] == ["['Your order 2026-0001'] True", "1", "3"]
    run("bin/manage lint_emails order_placed && bin/manage check")


def test_page_names_only_files_that_exist():
    paths = re.findall(r"`((?:templates|docs|bin|emails|tests|accounts|billing|settings)/[\w./-]+)`", PAGE.read_text())
    assert len(paths) > 10
    assert [path for path in paths if "order_placed" not in path and not (ROOT / path).exists()] == []
