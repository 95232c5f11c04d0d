"""Development settings and what they offer stay on the developer's machine: strangers get nothing from them."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from django.http import HttpResponse
from django.test import RequestFactory

from billing.webhook.signatures import sign
from common.local_requests import is_local_request
from myproject.development.middleware import this_machine_only_middleware
from settings.environment import is_local_host
from tests.support.stack import HUNG_AFTER, ROOT, free_port, wait_until
from tests.test_environment import PRODUCTION, example, load

DEVELOPMENT, WORKSPACE = "settings.development", "REMOTE_WORKSPACE_BEHIND_ITS_OWN_LOGIN"
PUBLIC_STRIPE_SECRET = "whsec_development-only-insecure"
LOCAL = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "app.localhost",
    "a.b.localhost",
    ".localhost",
    "127.0.0.1",
    "[::1]",
]
REMOTE = [
    "app.example.com",
    ".example.com",
    "*",
    "0.0.0.0",
    "[::]",
    "127.0.0.1.nip.io",
    "127.0.0.2",
    "127.1",
    "2130706433",
    "10.0.0.1",
    "192.168.1.5",
    "localhost.evil.com",
    "localhost.localdomain",
    "evillocalhost",
    "localhost.local",
    "[::ffff:127.0.0.1]",
    "[fe80::1]",
]


@pytest.mark.parametrize("host", LOCAL)
def test_local_hosts_are_accepted(host):
    assert is_local_host(host)
    assert load(DEVELOPMENT, ALLOWED_HOSTS=host) == ""
    assert load(DEVELOPMENT, ALLOWED_HOSTS="localhost", APP_URL=f"http://{host.lstrip('.')}:8000") == ""


@pytest.mark.parametrize("host", REMOTE)
@pytest.mark.parametrize("template", ["{}", "localhost,{}", " {} , 127.0.0.1"])
def test_other_allowed_hosts_are_refused(host, template):
    error = load(DEVELOPMENT, ALLOWED_HOSTS=template.format(host))
    assert f"ALLOWED_HOSTS contains {host}" in error
    assert "DJANGO_SETTINGS_MODULE=settings.production" in error


APP_URLS = [f"https://{host.removeprefix('.')}" for host in REMOTE if host != "*"]
APP_URLS += [
    "http://LOCALHOST.evil.com:8000",
    "http://ⓛocalhost",
    "http://xn--localhost-9db",
    "http://app.example.com/localhost",
]
AMBIGUOUS = [
    "http://localhost@evil.com",
    "http://evil.com\\@localhost",
    "http://localhost\\.evil.com",
    "http://user:localhost@evil.com",
    "http://loc\talhost",
    "http://[::1",
    "http://localhost:99999",
]


@pytest.mark.parametrize("url", APP_URLS + AMBIGUOUS)
def test_other_app_urls_are_refused(url):
    error = load(DEVELOPMENT, APP_URL=url)
    assert "APP_URL" in error
    assert url in AMBIGUOUS or "DJANGO_SETTINGS_MODULE=settings.production" in error


@pytest.mark.parametrize("key", ["sk_live_51abc", "rk_live_51abc", "SK_LIVE_51abc", "sk_org_live_abc"])
@pytest.mark.parametrize("variables", [{}, {WORKSPACE: "true", "SECRET_KEY": "x" * 50}])
def test_live_stripe_key_is_refused(key, variables):
    error = load(DEVELOPMENT, STRIPE_SECRET_KEY=key, **variables)
    assert "STRIPE_SECRET_KEY" in error
    assert "DJANGO_SETTINGS_MODULE=settings.production" in error
    assert key not in error


def test_every_problem_is_named_at_once():
    error = load(DEVELOPMENT, ALLOWED_HOSTS="a.example", APP_URL="https://a.example", STRIPE_SECRET_KEY="sk_live_1")
    assert all(name in error for name in ("ALLOWED_HOSTS", "APP_URL", "STRIPE_SECRET_KEY"))


def test_real_mail_key_and_test_mode_are_accepted():
    keys = {"EMAIL_PROVIDER": "resend", "RESEND_API_KEY": "re_real", "STRIPE_SECRET_KEY": "sk_test_51abc"}
    assert load(DEVELOPMENT, DEFAULT_FROM_EMAIL="Acme <hello@example.com>", **keys) == ""


REMOTE_SITE = {"ALLOWED_HOSTS": "app.example.com", "APP_URL": "https://app.example.com"}


def setting_of(name, **variables):
    code = f"import settings.development as s; print(s.{name})"
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": DEVELOPMENT, **variables}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


def test_remote_workspace_needs_its_variable_and_a_key_of_its_own():
    workspace = {**REMOTE_SITE, WORKSPACE: "true"}
    assert "SECRET_KEY" in load(DEVELOPMENT, **workspace)
    assert load(DEVELOPMENT, **workspace, SECRET_KEY="x" * 50) == ""
    assert "ALLOWED_HOSTS" in load(DEVELOPMENT, **workspace | {WORKSPACE: "false"}, SECRET_KEY="x" * 50)
    assert WORKSPACE in load(DEVELOPMENT, **workspace | {WORKSPACE: "perhaps"}, SECRET_KEY="x" * 50)


def test_remote_workspace_warns_and_has_no_public_secret():
    variables = {**REMOTE_SITE, WORKSPACE: "true", "SECRET_KEY": "x" * 50}
    done = setting_of("STRIPE_WEBHOOK_SECRETS + s.RESEND_WEBHOOK_SECRETS + s.SEQUENZY_WEBHOOK_SECRETS", **variables)
    assert done.stdout == "[]\n"
    assert f"{WORKSPACE} is set" in done.stderr
    rates = setting_of("REST_FRAMEWORK['DEFAULT_THROTTLE_RATES'].values()", **variables).stdout
    assert "10000/hour" not in rates
    assert WORKSPACE not in setting_of("DEBUG").stderr


# docker-compose.yml sets these for every service.
COMPOSE = {
    "CELERY_WORKER_SEND_TASK_EVENTS": "",
    "COMPOSE_SETTINGS": "default",
    "DATABASE_URL": "sqlite:////tmp/x.sqlite3",
    "REDIS_URL": "redis://redis:6379/0",
}


@pytest.mark.parametrize("name", sorted(set(example()) - {*COMPOSE, "DJANGO_SETTINGS_MODULE"}))
@pytest.mark.parametrize("value", ["", "change-me"])
def test_compose_refuses_env_file_without_settings_module(name, value):
    error = load(DEVELOPMENT, **COMPOSE, **{name: value})
    assert "DJANGO_SETTINGS_MODULE is not set" in error
    assert "DJANGO_SETTINGS_MODULE=settings.production" in error
    assert load(DEVELOPMENT, **COMPOSE | {"COMPOSE_SETTINGS": DEVELOPMENT}, **{name: value}) == ""


def test_compose_starts_without_env_file():
    assert load(DEVELOPMENT, **COMPOSE, PATH="/usr/bin", HOSTNAME="web", PYTHON_VERSION="3.13.1") == ""


# The owner of a server who filled in everything except DJANGO_SETTINGS_MODULE.
FORGOTTEN = {**PRODUCTION, "STRIPE_SECRET_KEY": "sk_live_51abc", "TRUSTED_PROXY_COUNT": "1"}
SERVERS = {
    "gunicorn": ["-m", "gunicorn", "myproject.wsgi", "--bind", "127.0.0.1:0"],
    "gunicorn with ASGI": ["-c", "import myproject.asgi"],
    "worker": ["-m", "celery", "-A", "myproject", "worker"],
    "beat": ["-m", "celery", "-A", "myproject", "beat"],
    "migrate": ["manage.py", "migrate"],
    "runserver": ["manage.py", "runserver", "--noreload", "127.0.0.1:0"],
}


@pytest.mark.parametrize("name", SERVERS)
def test_no_process_starts_on_a_server(name):
    environment = {"PATH": os.environ["PATH"], **FORGOTTEN, "DJANGO_SETTINGS_MODULE": DEVELOPMENT}
    command = [sys.executable, *SERVERS[name]]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=HUNG_AFTER)
    assert done.returncode != 0
    output = done.stdout + done.stderr
    assert "ALLOWED_HOSTS contains app.example.com" in output
    assert "DJANGO_SETTINGS_MODULE=settings.production" in output


@pytest.mark.parametrize("name", ["gunicorn", "worker", "runserver"])
def test_every_start_in_a_workspace_warns(tmp_path, name):
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": DEVELOPMENT, **REMOTE_SITE, WORKSPACE: "true"}
    environment |= {
        "SECRET_KEY": "x" * 50,
        "DATABASE_URL": f"sqlite:///{tmp_path}/db",
        "CELERY_BROKER_URL": "memory://",
    }
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, *SERVERS[name]], cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        wait_until(lambda: f"{WORKSPACE} is set" in (tmp_path / "log").read_text(), "the warning appears")
    finally:
        process.terminate()
        process.wait()


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="needs a virtual environment to share")
def test_bin_dev_refuses_a_server(tmp_path):
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "VENV": sys.prefix, **FORGOTTEN}
    done = subprocess.run([ROOT / "bin/dev"], env=environment, capture_output=True, text=True, timeout=HUNG_AFTER)
    assert done.returncode != 0
    assert "ALLOWED_HOSTS contains app.example.com" in done.stderr
    assert "DJANGO_SETTINGS_MODULE=settings.production" in done.stderr


FORGED = {"X-Forwarded-Host": "localhost"}
PUBLIC = "203.0.113.5"
MALFORMED = [
    "localhost:80@evil.com",
    "localhost,evil.com",
    "localhost evil.com",
    "[::1",
    "localhost:a",
    "ⓛocalhost",
]
STRANGERS = [
    *({"HTTP_HOST": host} for host in [*REMOTE, *MALFORMED, "testserver", "app.example.com:8000", "localhost/"]),
    {"REMOTE_ADDR": PUBLIC},
    {"REMOTE_ADDR": "192.168.1.5"},
    {"REMOTE_ADDR": "2001:db8::1"},
    {"REMOTE_ADDR": "::ffff:203.0.113.5"},
    {"REMOTE_ADDR": ""},
    {"HTTP_X_FORWARDED_FOR": PUBLIC},
    {"HTTP_X_FORWARDED_FOR": f"127.0.0.1, {PUBLIC}"},
    {"HTTP_X_FORWARDED_FOR": f"{PUBLIC}, 127.0.0.1"},
    {"HTTP_X_FORWARDED_FOR": ""},
    {"HTTP_X_REAL_IP": PUBLIC},
    {"HTTP_X_FORWARDED_HOST": "app.example.com"},
    {"HTTP_X_FORWARDED_HOST": "localhost, app.example.com"},
    {"HTTP_FORWARDED": f"for={PUBLIC}"},
    {"HTTP_HOST": "app.example.com", "HTTP_X_FORWARDED_HOST": "localhost"},
]
DEVELOPERS = [
    *({"HTTP_HOST": host.lstrip(".") + port} for host in LOCAL for port in ("", ":8000")),
    {"REMOTE_ADDR": "::1"},
    {"REMOTE_ADDR": "::ffff:127.0.0.1"},
    {"HTTP_X_FORWARDED_FOR": "::1", "HTTP_X_FORWARDED_HOST": "localhost:3000"},  # a front end's development server
]


def request_with(headers, path="/"):
    return RequestFactory().get(path, **{"HTTP_HOST": "localhost:8000", "REMOTE_ADDR": "127.0.0.1", **headers})


def status_for(headers, path="/"):
    middleware = this_machine_only_middleware(lambda request: HttpResponse("secret"))
    return middleware(request_with(headers, path)).status_code


@pytest.mark.parametrize("headers", STRANGERS, ids=str)
def test_strangers_get_404_on_every_path(headers, settings):
    settings.USE_X_FORWARDED_HOST = True
    assert {status_for(headers, path) for path in ("/", "/dev/inbox.json", "/stripe/webhook", "/healthz")} == {404}


@pytest.mark.parametrize("headers", DEVELOPERS, ids=str)
def test_developers_are_served(headers):
    assert status_for(headers) == 200


@pytest.mark.parametrize("address", ["172.18.0.1", "192.168.65.1", "10.1.2.3", "fd00::1"])
def test_dockers_gateway_counts_only_under_compose(settings, address):
    assert status_for({"REMOTE_ADDR": address}) == 404
    settings.PORT_IS_PUBLISHED_ON_LOOPBACK = True
    assert status_for({"REMOTE_ADDR": address}) == 200
    assert status_for({"REMOTE_ADDR": PUBLIC}) == 404
    assert status_for({"HTTP_X_FORWARDED_FOR": address}) == 404


def test_workspace_serves_everything_but_the_development_routes(settings):
    setattr(settings, WORKSPACE, True)
    workspace = {"HTTP_HOST": "app.example.com", "REMOTE_ADDR": PUBLIC, "HTTP_X_FORWARDED_FOR": PUBLIC}
    assert status_for(workspace) == 200
    assert status_for(workspace, "/dev/inbox/") == 404
    assert is_local_request(request_with(workspace | {"HTTP_HOST": "localhost"}))


class Server:
    """gunicorn under the given settings, on its own database."""

    def __init__(self, folder: Path, module: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        environment = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": module,
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        }
        command = [sys.executable, "-m", "gunicorn", "myproject.wsgi", "--bind", self.url.removeprefix("http://")]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
        wait_until(lambda: self.status("/healthz") == 200, "the server answers")

    def status(self, path: str, **headers: str) -> int:
        try:
            return requests.get(self.url + path, headers=headers, timeout=HUNG_AFTER).status_code
        except requests.ConnectionError:
            return 0


@pytest.fixture(scope="module", params=[DEVELOPMENT, "settings.test"])
def server(request, tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"), request.param)
    yield server
    server.process.terminate()
    server.process.wait()


@pytest.mark.parametrize("host", [host for host in REMOTE if host != "*"])
def test_server_answers_404_to_other_hosts(server, host):
    assert {server.status(path, Host=host) for path in ("/dev/inbox.json", "/dev/emails/", "/login")} == {404}
    assert server.status("/dev/inbox/", Host=f"{host}:8000", **FORGED) == 404


def test_server_answers_local_hosts(server):
    assert {server.status("/login", Host=host) for host in ("localhost:8000", "127.0.0.1")} == {200}


def test_public_webhook_secret_is_worthless_to_strangers(server):
    body = b'{"id": "evt_1", "object": "event", "type": "invoice.paid"}'
    signed = {"Stripe-Signature": sign(body, PUBLIC_STRIPE_SECRET, at=time.time())}
    for stranger in ({"Host": "app.example.com"}, {"X-Forwarded-For": PUBLIC}, {"X-Forwarded-Host": "app.example.com"}):
        response = requests.post(f"{server.url}/stripe/webhook", body, headers=signed | stranger, timeout=HUNG_AFTER)
        assert response.status_code == 404
        assert "DJANGO_SETTINGS_MODULE=settings.production" in response.text


def test_local_host_is_needed_even_if_routes_and_debug_are_on_elsewhere(client, settings, db):
    settings.ROOT_URLCONF = "emails.tests.support.urls"
    settings.DEBUG = settings.USE_X_FORWARDED_HOST = True
    settings.ALLOWED_HOSTS = ["*"]
    assert client.get("/dev/inbox/", HTTP_HOST="localhost").status_code == 200
    assert client.get("/dev/inbox/", HTTP_HOST="app.example.com").status_code == 404
    assert client.get("/dev/inbox/", HTTP_HOST="a.example.com", HTTP_X_FORWARDED_HOST="localhost").status_code == 404
    assert client.get("/dev/inbox/", HTTP_HOST="localhost", REMOTE_ADDR=PUBLIC).status_code == 404


def test_unedited_example_starts_in_bin_dev_only(tmp_path):
    shutil.copytree(ROOT / "settings", tmp_path / "settings")
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": DEVELOPMENT}
    command = [sys.executable, "-c", "import settings.development"]
    assert subprocess.run(command, cwd=tmp_path, env=environment).returncode == 0
    under_compose = dict.fromkeys(example(), "") | environment | COMPOSE
    done = subprocess.run(command, cwd=tmp_path, env=under_compose, capture_output=True, text=True)
    assert "DJANGO_SETTINGS_MODULE is not set, but there is a .env file" in done.stderr
