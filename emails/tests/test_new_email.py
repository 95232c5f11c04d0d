"""manage.py new_email adds a kind of email with everything that belongs to it, or changes nothing.

The fixture ``project`` is a small project in a temporary folder: templates/ and the apps ``shop`` and ``bare``. The
texts of the new kind are those of the real project. tests/test_adding_an_email.py adds kinds to a copy of all of it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from emails.management.imports import with_import

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = {"accounts", "emails", "shop"}
MAIL = '''"""The emails that the shop sends."""


def send_order_email() -> None:
    """Say thank you."""


def _link() -> str:
    return ""
'''


@pytest.fixture
def project(tmp_path, settings, monkeypatch) -> Iterator[Path]:
    """Provide the folder of a project with two apps. Only ``shop`` has a mail.py."""
    shutil.copytree(ROOT / "templates" / "emails", tmp_path / "templates" / "emails")
    for app in ("shop", "bare"):
        (tmp_path / app).mkdir()
        (tmp_path / app / "__init__.py").touch()
    (tmp_path / "shop" / "mail.py").write_text(MAIL)
    (tmp_path / "shop" / "mail.py").chmod(0o640)
    monkeypatch.syspath_prepend(tmp_path)
    for app in ("shop", "bare"):
        monkeypatch.delitem(sys.modules, app, raising=False)  # that of an earlier test
    templates = [{**engine, "DIRS": [tmp_path / "templates"]} for engine in settings.TEMPLATES]
    with override_settings(TEMPLATES=templates, INSTALLED_APPS=[*settings.INSTALLED_APPS, "shop", "bare"]):
        yield tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of the folder with its content, and every folder."""
    paths = (path for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in paths}


def refusal(*arguments: str) -> str:
    """Return the sentence with which the command refuses these arguments."""
    with pytest.raises(CommandError) as raised:
        call_command("new_email", *arguments)
    assert raised.value.returncode == 1
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_kind_is_added_with_all_its_files(project, capsys):
    before = contents(project)
    call_command("new_email", "order_shipped", app="shop")
    added = contents(project).keys() - before.keys()
    assert added == {
        "templates/emails/order_shipped",
        *(f"templates/emails/order_shipped/{name}" for name in ("subject.txt", "body.html", "body.txt", "sample.json")),
        "shop/tests",
        "shop/tests/__init__.py",
        "shop/tests/test_order_shipped_email.py",
    }
    assert "Added the email order_shipped" in capsys.readouterr().out
    source = (project / "shop" / "mail.py").read_text()
    assert source.startswith('"""The emails that the shop sends."""\n\nfrom django.conf import settings\n\nfrom emails')
    order = [source.index(f"def {name}(") for name in ("send_order_email", "send_order_shipped_email", "_link")]
    assert order == sorted(order)
    assert (project / "shop" / "mail.py").stat().st_mode & 0o777 == 0o640
    subject = (project / "templates" / "emails" / "order_shipped" / "subject.txt").read_text()
    assert 'topic="Order shipped"' in subject
    assert not [name for name in contents(project) if ".new-" in name or "TOPIC" in subject]


def test_added_kind_can_be_sent(project, mailoutbox):
    call_command("new_email", "order_shipped", app="shop")
    namespace: dict[str, Callable[..., None]] = {}
    exec((project / "shop" / "mail.py").read_text(), namespace)
    namespace["send_order_shipped_email"](to="ada@example.com", name="Ada", language="de", user_id=7)
    [email] = mailoutbox
    assert (email.kind, email.metadata, email.subject) == (
        "order_shipped",
        {"user_id": "7"},
        "Order shipped: Neues von Acme",
    )


BAD_NAMES = [
    "", "Order", "order-shipped", "order shipped", "1st", "_order", "../order", "order/shipped", "order.shipped",
    "größe", "order\n", "x" * 65, "{kind}", "-",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_name_changes_nothing(project, name):
    before = contents(project)
    assert "can't be the name of an email" in refusal("--app=shop", "--", name)
    assert contents(project) == before


@pytest.mark.parametrize("name", ["welcome", "receipt", "order"])
def test_taken_name_changes_nothing(project, name):
    before = contents(project)
    assert "already" in refusal(name, "--app=shop")
    assert contents(project) == before


@pytest.mark.parametrize("label", ["bare", "nope", "", "admin", "emails", "../shop", "shop.mail"])
def test_app_without_emails_changes_nothing(project, label):
    before = contents(project)
    message = refusal("order_shipped", f"--app={label}")
    assert "shop" in message  # an app that can send it
    assert contents(project) == before


@pytest.mark.parametrize(
    "path", ["templates/emails/order_shipped", "shop/tests/test_order_shipped_email.py", "shop/tests"]
)
def test_path_in_the_way_changes_nothing(project, path):
    (project / path).parent.mkdir(exist_ok=True)
    (project / path).write_text("mine")
    before = contents(project)
    assert path in refusal("order_shipped", "--app=shop")
    assert contents(project) == before


def test_link_to_nowhere_is_in_the_way(project):
    (project / "templates" / "emails" / "order_shipped").symlink_to(project / "nowhere")
    assert "templates/emails/order_shipped already exists" in refusal("order_shipped", "--app=shop")


@pytest.mark.parametrize("source", [b"def send(:\n", b"\xff\xfe\x00", b"x = '\x00'\n"])
def test_unreadable_mail_module_changes_nothing(project, source):
    (project / "shop" / "mail.py").write_bytes(source)
    before = contents(project)
    assert refusal("order_shipped", "--app=shop").endswith("Nothing was changed.")
    assert contents(project) == before


def test_project_without_a_skeleton_gets_a_sentence(project):
    shutil.rmtree(project / "templates" / "emails" / "_new")
    before = contents(project)
    assert "_new" in refusal("order_shipped", "--app=shop")
    assert contents(project) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("folder", ["templates/emails", "shop"])
def test_unwritable_folder_changes_nothing(project, folder):
    before = contents(project)
    (project / folder).chmod(0o500)
    message = refusal("order_shipped", "--app=shop")
    (project / folder).chmod(0o700)
    assert "can't be written" in message
    assert contents(project) == before


FULL_DISK = """
import os, sys
import django
from django.core.management import CommandError, call_command
from pathlib import Path
django.setup()
import emails.management.commands.new_email
from emails.tests.test_new_email import contents
project, calls = sys.argv[1], 0

def add_kind(number):
    def fail_at_number(event, arguments):
        global calls
        is_write = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wxa")
        if (is_write or event in ("os.rename", "os.mkdir")) and project in str(arguments[0]):
            calls += 1
            if calls == number:
                raise OSError(28, "No space left on device", str(arguments[0]))
    sys.addaudithook(fail_at_number)
    try:
        call_command("new_email", "order_shipped", "--app=shop")
    except CommandError as error:
        assert str(error).endswith("No space left on device. Nothing was changed."), error
        os._exit(3)
    os._exit(0)

before = contents(Path(project))
for number in range(1, 60):
    pid = os.fork() or add_kind(number)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code == 0:
        break
    assert code == 3
    assert contents(Path(project)) == before, number
print(number)
"""
TINY_SETTINGS = """
from pathlib import Path
from settings.test import *
TEMPLATES = [{**engine, "DIRS": [Path(__file__).parent / "templates"]} for engine in TEMPLATES]
INSTALLED_APPS = [*INSTALLED_APPS, "shop", "bare"]
"""


def test_full_disk_changes_nothing_at_any_write(project):
    """Each write in turn fails, until the command succeeds because it needs fewer."""
    (project / "tiny_settings.py").write_text(TINY_SETTINGS)
    paths = os.pathsep.join([str(project), str(ROOT)])
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tiny_settings", "PYTHONPATH": paths}
    command = [sys.executable, "-B", "-c", FULL_DISK, str(project)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 12
    assert (project / "templates" / "emails" / "order_shipped").is_dir()


IMPORTS = [
    ("", "from emails.services import send\n"),
    ('"""About."""\n', '"""About."""\n\nfrom emails.services import send\n'),
    ("import os\n\nx = 1\n", "import os\n\nfrom emails.services import send\n\nx = 1\n"),
    (
        "from accounts.models import User\nfrom shop import x\n",
        "from accounts.models import User\nfrom emails.services import send\nfrom shop import x\n",
    ),
    ("from emails.services import send\n", "from emails.services import send\n"),
    ("from emails.services import Any, queue\n", "from emails.services import Any, queue, send\n"),
    (
        "from emails.services import (\n    queue,\n)\nx = 1\n",
        "from emails.services import queue, send\nx = 1\n",
    ),
    (
        "import os\n\nfrom django import forms\n\nfrom shop import x\n",
        "import os\n\nfrom django import forms\n\nfrom emails.services import send\nfrom shop import x\n",
    ),
    (
        "from django import forms\n\nfrom . import x\n",
        "from django import forms\n\nfrom emails.services import send\n\nfrom . import x\n",
    ),
]


@pytest.mark.parametrize(("before", "after"), IMPORTS)
def test_import_is_added_in_its_place(before, after):
    assert with_import(before, "emails.services", "send", OURS) == after


def test_long_import_is_wrapped():
    names = [f"name_{number}_of_something" for number in range(6)]
    source = with_import(f"from emails.services import {', '.join(names)}\n", "emails.services", "a", OURS)
    assert source == "from emails.services import (\n    a,\n" + "".join(f"    {name},\n" for name in names) + ")\n"
