"""The files of a new kind of email, and how they are added: all of them, or none."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from django.apps import AppConfig, apps
from django.conf import settings
from django.template import engines

from emails import samples
from emails.errors import EmailsError
from emails.folders import KIND, TEXT_ENGINE
from emails.management.imports import with_import
from emails.models import OutboundEmail

SKELETON = "_new"  # a folder in templates/emails/, whose texts are translated
TOPIC = "TOPIC"  # stands for the name of the kind there
GOLDEN_MODULE = "tests.support.golden"
GOLDEN_SECONDS = 120

FOR_USERS = '''\
def send_{kind}_email(user: User) -> None:
    """Say here when this email is sent."""
    _send(user, "{kind}", {{"action_url": _link("dashboard")}})
'''
FOR_ANYBODY = '''\
def send_{kind}_email(*, to: str, name: str, language: str, user_id: int | None = None) -> None:
    """Say here when this email is sent."""
    send_templated_email(
        kind="{kind}",
        to=to,
        context={{"name": name, "action_url": f"{{settings.APP_URL}}/dashboard"}},
        language=language,
        metadata={{"user_id": str(user_id)}} if user_id else {{}},
    )
'''
TEST = '''\
"""The email {kind} is sent in every language."""

import pytest
from django.conf import settings as project

{imports}


@pytest.mark.parametrize("language", [code for code, _ in project.LANGUAGES])
def test_{kind}_email_is_sent(settings, mailoutbox, language):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    send_{kind}_email({arguments})
    [email] = mailoutbox
    assert (email.kind, email.to) == ("{kind}", ["ada@example.com"])
    assert f"{{settings.APP_URL}}/dashboard" in email.body
'''
ARGUMENTS_FOR_USERS = 'User(pk=7, email="ada@example.com", language=language)'
ARGUMENTS_FOR_ANYBODY = 'to="ada@example.com", name="Ada", language=language'


class NewKindError(EmailsError):
    """The kind can't be added. Nothing has changed."""


@dataclass(frozen=True, slots=True)
class NewKind:
    """A kind that doesn't exist yet, and the app that will send it."""

    name: str
    app: AppConfig

    @property
    def folder(self) -> Path:
        return templates_folder() / self.name

    @property
    def mail(self) -> Path:
        return Path(self.app.path) / "mail.py"

    @property
    def test(self) -> Path:
        return Path(self.app.path) / "tests" / f"test_{self.name}_email.py"

    @property
    def golden_files(self) -> list[Path]:
        """The files that tests/test_mail_texts.py expects, or nothing in a project without that test."""
        golden = project_folder() / "tests" / "golden"
        languages = [code for code, _ in settings.LANGUAGES] if golden.is_dir() else []
        return [golden / f"{self.name}.{language}.{suffix}" for language in languages for suffix in ("txt", "html")]

    @property
    def function(self) -> str:
        return f"send_{self.name}_email"


def new_kind(name: str, app_label: str) -> NewKind:
    """Return the kind. Raises ``NewKindError`` for a bad or taken name, and for an app that can't send it."""
    length = OutboundEmail._meta.get_field("kind").max_length or 0
    if not KIND.fullmatch(name) or len(name) > length:
        raise NewKindError(
            f"{name!r} can't be the name of an email. Use at most {length} lower-case letters, digits, and "
            "underscores, and begin with a letter, as in project_shared."
        )
    kind = NewKind(name, app_with_emails(app_label))
    if name in samples.folders():
        raise NewKindError(f"There already is an email {name!r}. Choose another name.")
    for path in (kind.folder, kind.test, *kind.golden_files):
        if os.path.lexists(path):
            raise NewKindError(f"{shown(path)} already exists. Choose another name, or remove it.")
    return kind


def app_with_emails(label: str) -> AppConfig:
    ours = {app.label: app for app in apps.get_app_configs() if Path(app.path).is_relative_to(project_folder())}
    able = [label for label, app in ours.items() if (Path(app.path) / "mail.py").is_file()]
    if label not in ours:
        raise NewKindError(f"There is no app {label!r} in this project. Apps with a mail.py: {', '.join(able)}.")
    if label not in able:
        raise NewKindError(
            f"{shown(Path(ours[label].path) / 'mail.py')} doesn't exist. Create it, or choose an app that has one: "
            f"{', '.join(able)}."
        )
    return ours[label]


def add(kind: NewKind) -> None:
    """Write all files. Raises ``NewKindError`` and changes nothing if one of them can't be written."""
    with failures_explained(), TemporaryDirectory(prefix=".new-", dir=templates_folder()) as name, ExitStack() as undo:
        staging = Path(name)
        for source, target in staged_files(kind, staging):
            move(source, target, undo)
        # Last, and in one step. Until then, nothing refers to the new files.
        mail = staging / "mail.py"
        mail.write_text(with_function(kind), "utf-8")
        shutil.copymode(kind.mail, mail)
        os.replace(mail, kind.mail)
        undo.pop_all()


@contextmanager
def failures_explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = shown(Path(error.filename)) if error.filename else "A file"
        raise NewKindError(f"{where} can't be written: {error.strerror or error}. Nothing was changed.") from None
    except UnicodeDecodeError as error:
        raise NewKindError(f"A file can't be read: {error}. Nothing was changed.") from None


def staged_files(kind: NewKind, staging: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each file or folder in ``staging`` with its place in the project."""
    with_function(kind)  # before anything is written, because it can refuse the kind
    folder = staging / "emails" / kind.name
    folder.mkdir(parents=True)
    for path in sorted((templates_folder() / SKELETON).iterdir()):
        (folder / path.name).write_text(path.read_text("utf-8").replace(TOPIC, title_of(kind)), "utf-8")
    test = staging / kind.test.name
    test.write_text(test_source(kind), "utf-8")
    golden = staging / "golden"
    if kind.golden_files:
        golden.mkdir()
        write_golden_files(kind, staging, golden)
    yield folder, kind.folder
    if not kind.test.parent.exists():
        package = staging / "tests"
        package.mkdir()
        (package / "__init__.py").touch()
        yield package, kind.test.parent
    yield test, kind.test
    yield from ((golden / path.name, path) for path in kind.golden_files)


def move(source: Path, target: Path, undo: ExitStack) -> None:
    """Move a file or folder to a place where nothing is, and register how to remove it again."""
    if source.is_dir():
        os.rename(source, target)  # fails if the folder exists and isn't empty
        undo.callback(shutil.rmtree, target, ignore_errors=True)
        return
    with target.open("x", encoding="utf-8") as file:
        undo.callback(target.unlink, missing_ok=True)
        file.write(source.read_text("utf-8"))


def write_golden_files(kind: NewKind, templates: Path, folder: Path) -> None:
    """Render the kind under the settings of the tests, in a process of its own."""
    command = [sys.executable, "-m", GOLDEN_MODULE, str(folder), kind.name, "--templates", str(templates)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "settings.test"}
    done = subprocess.run(
        command, cwd=project_folder(), env=environment, capture_output=True, text=True, timeout=GOLDEN_SECONDS
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NewKindError(f"The new email can't be rendered: {reason} Nothing was changed.")


def with_function(kind: NewKind) -> str:
    """Return the app's mail.py with the function that sends the kind, after the last one of these."""
    with failures_explained():
        source = kind.mail.read_text("utf-8")
    functions = functions_of(kind, source)
    if kind.function in functions:
        raise NewKindError(f"{shown(kind.mail)} already has a function {kind.function}. Choose another name.")
    new = (FOR_USERS if sends_to_users(functions) else FOR_ANYBODY).format(kind=kind.name)
    senders = [node.end_lineno or 0 for name, node in functions.items() if name.startswith("send_")]
    lines = source.splitlines()
    at = max(senders, default=len(lines))
    before, after = "\n".join(lines[:at]).rstrip("\n"), "\n".join(lines[at:]).strip("\n")
    source = (before + "\n\n\n" if before else "") + new + ("\n\n" + after + "\n" if after else "")
    if not sends_to_users(functions):
        source = with_import(source, "django.conf", "settings", packages())
        source = with_import(source, "emails.services", "send_templated_email", packages())
    return source


def functions_of(kind: NewKind, source: str) -> dict[str, ast.FunctionDef]:
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError) as error:
        raise NewKindError(f"{shown(kind.mail)} isn't valid Python: {error}. Nothing was changed.") from None
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}


def sends_to_users(functions: dict[str, ast.FunctionDef]) -> bool:
    """Return whether the module has its own way to email a user, as accounts has."""
    own = functions.get("_send")
    return own is not None and "_link" in functions and [a.arg for a in own.args.args] == ["user", "kind", "context"]


def test_source(kind: NewKind) -> str:
    module = f"{kind.app.name}.mail"
    imports = f"from {module} import {kind.function}"
    is_for_users = sends_to_users(functions_of(kind, kind.mail.read_text("utf-8")))
    if is_for_users:
        imports += f"\nfrom {kind.app.name}.models import User"
    arguments = ARGUMENTS_FOR_USERS if is_for_users else ARGUMENTS_FOR_ANYBODY
    return TEST.format(kind=kind.name, imports=imports, arguments=arguments)


def title_of(kind: NewKind) -> str:
    """Return "Project shared" for project_shared."""
    return re.sub(r"_+", " ", kind.name).strip().capitalize()


def packages() -> set[str]:
    own = {path.name for path in project_folder().iterdir() if (path / "__init__.py").is_file()}
    return own | {__name__.partition(".")[0]}


def templates_folder() -> Path:
    return Path(engines[TEXT_ENGINE].template_dirs[0]) / "emails"


def project_folder() -> Path:
    """Return the folder that contains templates/, where manage.py is."""
    return templates_folder().parent.parent


def shown(path: Path) -> str:
    return str(path.relative_to(project_folder())) if path.is_relative_to(project_folder()) else str(path)
