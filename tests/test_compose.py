"""docker-compose.yml: static checks, and a real run with RUN_COMPOSE=1 and a Docker engine."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.clone import clone_into
from tests.support.stack import ROOT, wait_until

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
LONG_RUNNING = sorted(set(SERVICES) - {"migrate"})
INTERPOLATED = {"DJANGO_SETTINGS_MODULE", "POSTGRES_PASSWORD"}
LONGEST_SEND = 30  # seconds, see EMAIL_CALL_DEADLINE_SECONDS


def test_services_are_complete():
    assert LONG_RUNNING == ["beat", "postgres", "redis", "web", "worker"]


def test_only_web_is_published_and_only_locally():
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "web": ["127.0.0.1:8000:8000"]
    }


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_every_service_has_health_check_and_restart_policy(name):
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_nothing_starts_before_the_migrations(name):
    assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SERVICES["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}


@pytest.mark.parametrize("name", [name for name in SERVICES if "command" in SERVICES[name]])
def test_commands_use_exec_form_to_receive_stop_signals(name):
    assert isinstance(SERVICES[name]["command"], list)


def test_worker_may_finish_its_longest_send():
    assert int(SERVICES["worker"]["stop_grace_period"].removesuffix("s")) > LONGEST_SEND


@pytest.mark.parametrize("name", ["web", "worker", "beat", "migrate"])
def test_no_env_file_is_needed_and_development_is_default(name):
    assert SERVICES[name]["env_file"] == [{"path": ".env", "required": False}]
    environment = SERVICES[name]["environment"]
    assert environment["DJANGO_SETTINGS_MODULE"] == "${DJANGO_SETTINGS_MODULE:-settings.development}"
    # settings.development needs to know whether it was chosen (tests/test_development_settings.py).
    assert environment["COMPOSE_SETTINGS"] == "${DJANGO_SETTINGS_MODULE:-default}"


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_data_is_kept_in_named_volumes(name):
    assert SERVICES[name]["volumes"][0].partition(":")[0] in COMPOSE["volumes"]


def test_redis_never_evicts():
    assert "noeviction" in SERVICES["redis"]["command"]


def test_image_runs_gunicorn_as_unprivileged_user():
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"python:3.13-slim"}
    assert re.findall(r"^(?:CMD|ENTRYPOINT) (.*)$", dockerfile, re.MULTILINE) == ['["gunicorn", "myproject.wsgi"]']
    assert dockerfile.index("\nUSER app") < dockerfile.index("\nCMD")


@pytest.mark.parametrize("path", [".env", ".git", ".venv", "var"])
def test_image_contains_no_secret_and_no_history(path):
    assert path in (ROOT / ".dockerignore").read_text().splitlines()


def docker_answers() -> bool:
    try:
        return subprocess.run(["docker", "compose", "ls"], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


class Project:
    """A clone under compose. COMPOSE_EXEC prefixes commands that reach the published port or a container's process,
    if the engine has its own network namespace: COMPOSE_EXEC="nsenter --net=/run/netns/docker".
    """

    def __init__(self, clone: Path) -> None:
        self.folder = clone

    def compose(self, *arguments: str) -> str:
        return self.command("docker", "compose", "--project-name", "compose-test", *arguments)

    def command(self, *command: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name not in INTERPOLATED}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def curl(self, path: str, *options: str) -> str:
        prefix = os.environ.get("COMPOSE_EXEC", "").split()
        return self.command(*prefix, "curl", "-sS", *options, f"http://127.0.0.1:8000{path}")

    def signup(self, email: str, *options: str) -> str:
        body = json.dumps({"email": email, "name": "Ada", "password": "correct horse battery"})
        return self.curl("/api/accounts/signup/", "-H", "Content-Type: application/json", "-d", body, *options)

    def statuses(self) -> dict[str, str]:
        messages = json.loads(self.curl("/dev/inbox.json"))["messages"]
        return {message["to"][0]: message["status"] for message in messages}

    def process_id(self, service: str) -> str:
        container = self.compose("ps", "-q", service).strip()
        return self.command("docker", "inspect", "-f", "{{.State.Pid}}", container).strip()


@pytest.fixture
def project(tmp_path):
    if os.environ.get("RUN_COMPOSE") != "1":
        pytest.skip("takes minutes and needs port 8000: RUN_COMPOSE=1 runs it")
    if not docker_answers():
        pytest.skip("needs a Docker engine with compose")
    project = Project(clone_into(tmp_path))
    yield project
    project.compose("down", "--volumes", "--rmi", "local", "--timeout", "10")


def test_image_is_not_built_with_a_changed_hash(project):
    requirements = project.folder / "requirements.txt"
    first, *others = requirements.read_text().split("--hash=sha256:")
    flipped = ["".join("0123456789abcdef"[15 - int(digit, 16)] for digit in part[:64]) + part[64:] for part in others]
    requirements.write_text("--hash=sha256:".join([first, *flipped]))
    with pytest.raises(AssertionError, match="DO NOT MATCH THE HASHES"):
        project.compose("--progress", "plain", "build", "migrate")


def test_signup_survives_killed_worker_and_restart(project):
    project.compose("up", "--detach", "--build", "--wait")
    assert json.loads(project.signup("ada@example.com")) == {"user": {"email": "ada@example.com", "name": "Ada"}}
    wait_until(lambda: project.statuses() == {"ada@example.com": "sent"}, "the mail is sent")
    assert "To: ada@example.com" in project.compose("logs", "worker")

    killed = project.process_id("worker")
    project.command("kill", "-KILL", killed)  # needs root; after `docker kill`, the engine would not restart it
    project.signup("bob@example.com")
    wait_until(lambda: project.statuses().get("bob@example.com") == "sent", "a new worker sent it")
    assert project.process_id("worker") != killed

    project.compose("down")
    project.compose("up", "--detach", "--wait")
    assert project.statuses() == {"ada@example.com": "sent", "bob@example.com": "sent"}


PRODUCTION = """
DJANGO_SETTINGS_MODULE=settings.production
SECRET_KEY=kJ3v9qTz7Lm2XwR5bYc8NfHd4GsPa6UeVi1ZoKrMtQjBxWnCyEuFhSgDl
ALLOWED_HOSTS=app.example.com
APP_URL=https://app.example.com
DEFAULT_FROM_EMAIL=Acme <hello@example.com>
EMAIL_DELIVERY_BACKEND=django.core.mail.backends.console.EmailBackend
TRUSTED_PROXY_COUNT=1
"""


@pytest.mark.parametrize(
    ("env_file", "reason"),
    [
        (
            PRODUCTION.replace("DJANGO_SETTINGS_MODULE=settings.production", ""),
            "ALLOWED_HOSTS contains app.example.com",
        ),
        (PRODUCTION.replace("settings.production", "settings.development"), "ALLOWED_HOSTS contains app.example.com"),
        ("DJANGO_SETTINGS_MODULE=settings.development\nSTRIPE_SECRET_KEY=sk_live_1", "STRIPE_SECRET_KEY is a live key"),
        (
            "DJANGO_SETTINGS_MODULE=settings.development\nAPP_URL=https://app.example.com",
            "APP_URL is not on this machine",
        ),
        ("EMAIL_PROVIDER=resend\nRESEND_API_KEY=re_1", "DJANGO_SETTINGS_MODULE is not set"),
        ((ROOT / ".env.example").read_text(), "DJANGO_SETTINGS_MODULE is not set"),
    ],
    ids=["forgotten line", "development on a server", "live key", "remote URL", "mail key only", "unedited example"],
)
def test_nothing_starts_with_unclear_env_file(project, env_file, reason):
    (project.folder / ".env").write_text(env_file)
    with pytest.raises(AssertionError, match="migrate"):
        project.compose("up", "--detach", "--build", "--wait")
    log = project.compose("logs", "migrate")
    assert reason in log
    assert "DJANGO_SETTINGS_MODULE=settings.production" in log
    assert project.compose("ps", "--quiet", "--status", "running", "web", "worker", "beat").strip() == ""


def test_production_runs_with_variables_from_env_file(project):
    (project.folder / ".env").write_text(PRODUCTION)
    project.compose("up", "--detach", "--build", "--wait")
    response = project.signup("ada@example.com", "-H", "Host: app.example.com", "-H", "X-Forwarded-Proto: https")
    assert json.loads(response) == {"user": {"email": "ada@example.com", "name": "Ada"}}
    wait_until(lambda: "To: ada@example.com" in project.compose("logs", "worker"), "the mail is sent")
    redirect = project.curl("/admin/", "-H", "Host: app.example.com", "-o", "/dev/null", "-w", "%{redirect_url}")
    assert redirect == "https://app.example.com/admin/"
    assert "404" in project.curl("/dev/inbox/", "-H", "X-Forwarded-Proto: https", "-H", "Host: app.example.com", "-i")
