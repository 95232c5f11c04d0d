"""The compose files: static checks of docker-compose.yml, and real runs with RUN_COMPOSE=1 and a Docker engine."""

import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.clone import clone_into
from tests.support.slow_clients import PROBES, SLOW_CONNECTIONS
from tests.support.stack import ROOT, wait_until

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
LONG_RUNNING = sorted(set(SERVICES) - {"migrate"})
INTERPOLATED = {
    "ALLOWED_HOSTS",
    "DJANGO_SETTINGS_MODULE",
    "DOMAIN",
    "FLOWER_BASIC_AUTH",
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "TLS_ISSUER",
}
LONGEST_SEND = 30  # seconds, see EMAIL_CALL_DEADLINE_SECONDS


def test_services_are_complete():
    assert LONG_RUNNING == ["beat", "flower", "postgres", "redis", "web", "worker"]


def test_only_web_and_flower_are_published_and_only_locally():
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "web": ["127.0.0.1:8000:8000"],
        "flower": ["127.0.0.1:5555:5555"],
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

    def __init__(self, clone: Path, file: str = "docker-compose.yml") -> None:
        self.folder = clone
        self.file = file
        self.name = f"compose-test-{secrets.token_hex(4)}"

    def compose(self, *arguments: str) -> str:
        return self.command("docker", "compose", "-f", self.file, "--project-name", self.name, *arguments)

    def command(self, *command: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name not in INTERPOLATED}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def outside(self, *command: str) -> str:
        """Run a command where the published ports are."""
        return self.command(*os.environ.get("COMPOSE_EXEC", "").split(), *command)

    def curl(self, path: str, *options: str) -> str:
        return self.outside("curl", "-sS", *options, f"http://127.0.0.1:8000{path}")

    def signup(self, email: str, *options: str) -> str:
        body = json.dumps({"email": email, "name": "Ada", "password": "correct horse battery"})
        return self.curl("/api/accounts/signup/", "-H", "Content-Type: application/json", "-d", body, *options)

    def statuses(self) -> dict[str, str]:
        messages = json.loads(self.curl("/dev/inbox.json"))["messages"]
        return {message["to"][0]: message["status"] for message in messages}

    def container(self, service: str) -> str:
        return self.compose("ps", "-q", service).strip()

    def process_id(self, service: str) -> str:
        return self.command("docker", "inspect", "-f", "{{.State.Pid}}", self.container(service)).strip()


def skip_without_docker() -> None:
    if os.environ.get("RUN_COMPOSE") != "1":
        pytest.skip("takes minutes and needs ports 80, 443, and 8000: RUN_COMPOSE=1 runs it")
    if not docker_answers():
        pytest.skip("needs a Docker engine with compose")


@pytest.fixture
def project(tmp_path):
    skip_without_docker()
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
    assert " 404 " in project.curl("/dev/inbox.json", "-i", "-H", "Host: app.example.com")
    assert " 404 " in project.curl("/dev/inbox.json", "-i", "-H", "X-Forwarded-For: 203.0.113.5")

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


SITE = "https://app.example.com"
SECRETS = """
POSTGRES_PASSWORD=Zt83kdPq
REDIS_PASSWORD=Wq72mcXb
TLS_ISSUER=internal
"""
WRITABLE = {"caddy": ["/data"], "postgres": ["/var/lib/postgresql/data"]}
CONTAINERS = ["beat", "caddy", "postgres", "redis", "web", "worker"]


@pytest.fixture(scope="module")
def behind_caddy(tmp_path_factory):
    """Provide the containers of docker-compose.production.yml, which all tests below share."""
    skip_without_docker()
    project = Project(clone_into(tmp_path_factory.mktemp("production")), "docker-compose.production.yml")
    (project.folder / ".env").write_text(PRODUCTION + SECRETS)
    try:
        project.compose("up", "--detach", "--build", "--wait")
        yield project
    finally:
        project.compose("down", "--volumes", "--rmi", "local", "--timeout", "10")


def visit(project: Project, path: str, *options: str, scheme: str = "https") -> str:
    host = SITE.removeprefix("https://")
    addresses = ["--resolve", f"{host}:443:127.0.0.1", "--resolve", f"{host}:80:127.0.0.1"]
    return project.outside("curl", "-sS", "-k", *addresses, *options, f"{scheme}://{host}{path}")


def test_only_caddy_can_be_reached(behind_caddy):
    ports = behind_caddy.compose("ps", "--format", "{{.Service}} {{.Publishers}}").splitlines()
    assert [line.split()[0] for line in ports if "0.0.0.0" in line or "127.0.0.1" in line] == ["caddy"]
    assert visit(behind_caddy, "/", "-o", "/dev/null", "-w", "%{redirect_url}", scheme="http") == f"{SITE}/"
    assert visit(behind_caddy, "/healthz") == "ok"


def test_signup_behind_caddy_is_delivered(behind_caddy):
    body = json.dumps({"email": "ada@example.com", "name": "Ada", "password": "correct horse battery"})
    answer = visit(behind_caddy, "/api/accounts/signup/", "-H", "Content-Type: application/json", "-d", body)
    assert json.loads(answer) == {"user": {"email": "ada@example.com", "name": "Ada"}}
    wait_until(lambda: "To: ada@example.com" in behind_caddy.compose("logs", "worker"), "the mail is sent")


def test_client_can_not_choose_its_address_or_scheme(behind_caddy):
    def attempts(address: str) -> str:
        wrong = json.dumps({"email": "nobody@example.com", "password": "wrong"})
        forged = ["-H", f"X-Forwarded-For: {address}", "-H", f"X-Real-IP: {address}", "-H", "X-Forwarded-Proto: http"]
        return visit(
            behind_caddy, "/api/accounts/login/", *forged, "-d", wrong, "-w", "%{http_code}", "-o", "/dev/null"
        )

    statuses = [attempts(f"192.0.2.{number}") for number in range(25)]
    assert statuses[-1] == "429"
    assert set(statuses) == {"400", "429"}  # and no redirect to HTTPS


@pytest.mark.parametrize("service", CONTAINERS)
def test_container_has_no_privileges_and_can_not_write(behind_caddy, service):
    status = Path(f"/proc/{behind_caddy.process_id(service)}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["NoNewPrivs"] == "1"
    assert int(fields["CapBnd"], 16) == (1 << 10 if service == "caddy" else 0)  # NET_BIND_SERVICE
    with pytest.raises(AssertionError, match="Read-only file system"):
        behind_caddy.compose("exec", "-T", "--user", "0", service, "sh", "-c", "echo > /written")
    mounts = behind_caddy.command("docker", "inspect", "-f", "{{json .Mounts}}", behind_caddy.container(service))
    writable = [mount["Destination"] for mount in json.loads(mounts) if mount["RW"] and mount["Type"] != "tmpfs"]
    assert writable == WRITABLE.get(service, [])


@pytest.mark.parametrize(
    ("service", "host", "port"),
    [("worker", "web", 8000), ("beat", "postgres", 5432), ("beat", "1.1.1.1", 443), ("web", "caddy", 2019)],
)
def test_container_reaches_only_what_it_needs(behind_caddy, service, host, port):
    code = f"import socket; socket.create_connection(({host!r}, {port}), timeout=3)"
    with pytest.raises(AssertionError, match=r"(?i)error"):
        behind_caddy.compose("exec", "-T", service, "python", "-c", code)


def test_redis_needs_its_password(behind_caddy):
    answer = behind_caddy.compose("exec", "-T", "-e", "REDISCLI_AUTH=", "redis", "redis-cli", "ping")
    assert "NOAUTH" in answer
    memory = behind_caddy.compose("exec", "-T", "redis", "redis-cli", "config", "get", "maxmemory*")
    assert {"noeviction", "134217728"} <= set(memory.split())


def test_slow_clients_and_uploads_do_not_stop_the_site(behind_caddy):
    command = [sys.executable, "-m", "tests.support.slow_clients", SITE, "--address", "127.0.0.1"]
    result = json.loads(behind_caddy.outside(*command))
    assert result["open"] > SLOW_CONNECTIONS / 2
    assert [status for status, _ in result["healthz"]] == [200] * PROBES
    assert {status for status, _ in result["login"]} <= {400, 429}
    assert set(result["statuses"]["upload"]) <= {413, 0}  # 0: the connection ended before the response was read
    assert set(result["statuses"]["headers"]) <= {400, 431}
    for service in CONTAINERS:
        assert behind_caddy.command("docker", "diff", behind_caddy.container(service)) == ""
    files = behind_caddy.compose("exec", "-T", "web", "find", "/tmp", "/app/var", "-type", "f")
    assert files == ""


@pytest.mark.parametrize("variable", ["POSTGRES_PASSWORD", "REDIS_PASSWORD", "ALLOWED_HOSTS"])
def test_nothing_starts_without_a_secret(tmp_path, variable):
    skip_without_docker()
    project = Project(clone_into(tmp_path), "docker-compose.production.yml")
    lines = (PRODUCTION + SECRETS).splitlines()
    (project.folder / ".env").write_text("\n".join(line for line in lines if not line.startswith(variable)))
    with pytest.raises(AssertionError, match=f"Set {variable} in .env"):
        project.compose("config")
