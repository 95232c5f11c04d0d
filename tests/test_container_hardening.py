"""The compose files and the Dockerfile: what a container may do, and who can reach it."""

import re
import subprocess

import pytest
import yaml

from tests.support.stack import ROOT

TEXT = (ROOT / "docker-compose.production.yml").read_text()
PRODUCTION = yaml.safe_load(TEXT)
DEVELOPMENT = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CADDYFILE = (ROOT / "deploy" / "Caddyfile").read_text()
SERVICES = PRODUCTION["services"]
EVERY_SERVICE = [
    pytest.param(service, id=f"{file}-{name}")
    for file, compose in (("development", DEVELOPMENT), ("production", PRODUCTION))
    for name, service in compose["services"].items()
]
IN_PRODUCTION = [pytest.param(service, id=name) for name, service in SERVICES.items()]
SECRETS = {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "SECRET_KEY"}
FLOWER = [
    pytest.param(compose["services"]["flower"], id=str(number))
    for number, compose in enumerate([DEVELOPMENT, PRODUCTION])
]


@pytest.mark.parametrize("service", EVERY_SERVICE)
def test_service_gains_no_privileges_and_has_limits(service):
    assert service["security_opt"] == ["no-new-privileges"]
    assert service["mem_limit"]
    assert 0 < service["pids_limit"] <= 200
    assert not {"privileged", "pid", "ipc", "network_mode", "devices", "cgroup_parent"} & set(service)


@pytest.mark.parametrize("service", IN_PRODUCTION)
def test_service_has_no_capabilities_and_a_read_only_root(service):
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]


def test_only_caddy_may_add_a_capability():
    assert {name: service["cap_add"] for name, service in SERVICES.items() if "cap_add" in service} == {
        "caddy": ["NET_BIND_SERVICE"]
    }


@pytest.mark.parametrize("service", IN_PRODUCTION)
def test_logs_are_rotated(service):
    assert service["logging"]["driver"] == "json-file"
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}


def test_only_caddy_publishes_ports_to_others():
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "caddy": ["80:80", "443:443"],
        "flower": ["127.0.0.1:5555:5555"],
    }


def members(network: str) -> set[str]:
    return {name for name, service in SERVICES.items() if network in service["networks"]}


def test_networks_connect_only_who_needs_each_other():
    assert members("public") == {"caddy"}
    assert members("proxy") == {"caddy", "web"}
    assert members("database") == {"postgres", "migrate", "web", "worker", "beat"}
    assert members("redis") == {"redis", "web", "worker", "beat", "flower"}
    assert members("operator") == {"flower"}
    assert members("internet") == {"web", "worker"}
    assert set(PRODUCTION["networks"]) == {"public", "proxy", "database", "redis", "internet", "operator"}


def test_only_those_who_call_others_reach_the_internet():
    internal = {name for name, network in PRODUCTION["networks"].items() if (network or {}).get("internal")}
    assert internal == {"proxy", "database", "redis"}
    assert PRODUCTION["networks"]["internet"]["driver_opts"] == {"com.docker.network.bridge.enable_icc": "false"}
    no_masquerade = {"com.docker.network.bridge.enable_ip_masquerade": "false"}
    assert PRODUCTION["networks"]["operator"]["driver_opts"] == no_masquerade


def test_secrets_have_no_default():
    for name, operator in re.findall(r"\$\{([A-Z_]+)(:?[-?]?)", TEXT):
        assert operator == ":?" or name not in SECRETS, name
    assert not re.search(r"(?i)(password|secret|key): *[a-z0-9]", TEXT)


def test_no_secret_is_on_a_command_line():
    assert not [name for name, service in SERVICES.items() if re.search(r"(?<!\$)\$\{", str(service.get("command")))]


@pytest.mark.parametrize("name", ["web", "worker", "beat", "migrate"])
def test_application_runs_under_production_settings_behind_one_proxy(name):
    environment = SERVICES[name]["environment"]
    assert environment["DJANGO_SETTINGS_MODULE"] == "settings.production"
    assert environment["TRUSTED_PROXY_COUNT"] == 1
    assert SERVICES[name]["env_file"] == ".env"


@pytest.mark.parametrize("service", IN_PRODUCTION)
def test_only_certificates_and_the_database_are_on_disk(service):
    writable = [volume for volume in service.get("volumes", []) if not volume.endswith(":ro")]
    assert set(writable) <= {"certificates:/data", "postgres:/var/lib/postgresql/data"}


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate"}))
def test_service_restarts_and_reports_its_health(name):
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"]["test"]


def test_nothing_starts_before_what_it_needs():
    for name in ("web", "worker", "beat"):
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SERVICES["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}
    assert SERVICES["caddy"]["depends_on"]["web"] == {"condition": "service_healthy"}


def seconds(service: str) -> int:
    return int(SERVICES[service]["stop_grace_period"].removesuffix("s"))


def test_service_has_time_to_finish():
    assert min(seconds("web"), seconds("caddy"), seconds("worker")) > 30  # requests, and calls to a provider
    assert seconds("postgres") >= 60


def test_redis_has_a_password_and_limited_memory_and_never_evicts():
    command = SERVICES["redis"]["command"][-1]
    settings = ["requirepass $$REDIS_PASSWORD", "maxmemory 128mb", "maxmemory-policy noeviction", 'save ""']
    assert [setting for setting in settings if setting not in command] == []


@pytest.mark.parametrize("limit", ["max_header_size", "read_header", "read_body", "write", "idle", "max_size"])
def test_proxy_limits_requests(limit):
    assert re.search(rf"^\s+{limit} [0-9]+", CADDYFILE, re.MULTILINE)


def test_proxy_buffers_requests_and_has_no_admin_interface():
    assert "{$REQUEST_BUFFERS}" in CADDYFILE
    assert "request_buffers 64KiB" in SERVICES["caddy"]["command"][-1]
    assert re.search(r"^\tadmin off$", CADDYFILE, re.MULTILINE)


def test_proxy_passes_no_forwarding_header_of_a_client():
    # X-Forwarded-For, -Host, and -Proto are replaced, unless the proxy is told to trust those of others.
    assert "trusted_proxies" not in CADDYFILE
    assert not re.search(r"header_up \+?X-Forwarded", CADDYFILE)


def test_image_runs_without_privileges_and_has_no_writable_code():
    dockerfile = (ROOT / "Dockerfile").read_text()
    instructions = re.findall(r"^([A-Z]+) (.*)", dockerfile, re.MULTILINE)
    assert [value for name, value in instructions if name == "USER"] == ["app"]
    assert ("COPY", ". .") in instructions  # without --chown, everything belongs to root
    assert not re.search(r"chmod|ADD |curl|wget", dockerfile)


@pytest.mark.parametrize("service", FLOWER)
def test_flower_starts_only_if_asked_for_and_has_no_default_password(service):
    assert service["profiles"] == ["flower"]
    assert service["environment"]["FLOWER_BASIC_AUTH"] == "${FLOWER_BASIC_AUTH:-}"
    assert service["build"] == {"context": ".", "dockerfile": "deploy/flower/Dockerfile"}
    assert "env_file" not in service  # it needs no other secret of the project


@pytest.mark.parametrize("value", ["", "admin", "admin:", ":0123456789abcdef", "admin:0123456789abcde"])
def test_flower_refuses_to_start_without_a_long_password(value):
    done = start_flower(FLOWER_BASIC_AUTH=value)
    assert done.returncode == 1
    assert "Set FLOWER_BASIC_AUTH in .env" in done.stderr


def test_flower_starts_with_a_password_that_is_on_no_command_line(tmp_path):
    (tmp_path / "celery").write_text("#!/bin/sh\necho started: $*\n")
    (tmp_path / "celery").chmod(0o755)
    done = start_flower(FLOWER_BASIC_AUTH="admin:0123456789abcdef", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert (done.returncode, done.stdout) == (0, "started: flower\n")


def test_image_of_flower_contains_two_files_of_the_project():
    lines = (ROOT / "deploy" / "flower" / "Dockerfile.dockerignore").read_text().splitlines()[1:]
    copied = re.findall(r"^COPY ([\w/.-]+) ", (ROOT / "deploy" / "flower" / "Dockerfile").read_text(), re.MULTILINE)
    assert lines == ["*", *(f"!{name}" for name in copied)]
    assert all((ROOT / name).is_file() for name in copied)


def start_flower(**environment: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "deploy" / "flower" / "start.sh"
    return subprocess.run(["sh", script], env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True)


@pytest.mark.parametrize("compose", [DEVELOPMENT, PRODUCTION])
def test_workers_send_task_events_only_for_flower(compose):
    for name in ("web", "worker", "beat"):
        variable = compose["services"][name]["environment"]["CELERY_WORKER_SEND_TASK_EVENTS"]
        assert variable == "${FLOWER_BASIC_AUTH:+true}"


def test_web_processes_count_together_in_memory():
    folder = SERVICES["web"]["environment"]["PROMETHEUS_MULTIPROC_DIR"]
    assert [mount for mount in SERVICES["web"]["tmpfs"] if mount.startswith(f"{folder}:")]
