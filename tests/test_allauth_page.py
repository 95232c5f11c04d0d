"""docs/allauth.md, followed in a copy of the project: who gets in through another service, and who doesn't."""

import os
import re
import subprocess
import sys

import pytest

from tests.support.clone import clone_into
from tests.support.documentation import blocks_of
from tests.support.stack import ROOT

NAMED = re.compile(r"# ([\w/]+\.py)\n")
# allauth's own provider for tests, which needs no service.
TEST_PROVIDER = "allauth.socialaccount.providers.dummy"
LOG_IN = """
import sys, django
django.setup()
from urllib.parse import parse_qs, urlsplit
from django.core.management import call_command
from django.template import engines
from django.test import Client
from accounts.models import Login, User
from emails.models import OutboundEmail
call_command("migrate", verbosity=0)
template = engines["django"].from_string('''{button}''')
print("/social/dummy/login/" in template.render({{}}, None))

def log_in(number, address, is_confirmed):
    client = Client(headers={{"host": "localhost"}})
    start = client.post("/social/dummy/login/")
    answer = {{"id": number, "email": address, "first_name": "Ada", "last_name": "Lovelace"}}
    answer |= {{"email_verified": "on"}} if is_confirmed else {{}}
    response = client.post(start.url, answer)
    return response.status_code, response.url, "_auth_user_id" in client.session

print(log_in(1, "ada@example.com", True), log_in(1, "ada@example.com", True))
ada = User.objects.get()
print(ada.email, ada.name, ada.is_email_verified, ada.has_usable_password(), Login.objects.count())
[welcome] = OutboundEmail.objects.all()
print(welcome.kind, "verify-email" in welcome.message.text)
print(log_in(2, "bob@example.com", False), User.objects.count())
User.objects.create_user("eve@example.com", "correct horse battery")
print(log_in(3, "eve@example.com", True)[2], User.objects.count())
ada.delete()
print(log_in(1, "ada@example.com", True)[2], User.objects.count())
"""


@pytest.fixture
def clone(tmp_path):
    """A copy of the project to which everything on the page was added."""
    clone = clone_into(tmp_path)
    for block in blocks_of(ROOT / "docs" / "allauth.md"):
        if name := NAMED.match(block.text):
            path = clone / name[1]
            source = path.read_text() if path.exists() else ""
            path.write_text(
                f"{source}\n{block.text}\n".replace("allauth.socialaccount.providers.github", TEST_PROVIDER)
            )
    return clone


@pytest.mark.slow
def test_only_confirmed_addresses_get_in(clone, tmp_path):
    [button] = [block.text for block in blocks_of(ROOT / "docs" / "allauth.md") if block.language == "django"]
    script = LOG_IN.format(button=button.replace("'github'", '"dummy"'))
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "settings.test",
        "DATABASE_URL": f"sqlite:///{tmp_path}/allauth.sqlite3",
    }
    done = subprocess.run([sys.executable, "-c", script], cwd=clone, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines() == [
        "True",
        "(302, '/dashboard', True) (302, '/dashboard', True)",
        "ada@example.com Ada Lovelace True False 2",
        "welcome False",
        "(302, '/signup', False) 1",
        "False 2",
        "True 2",
    ]
