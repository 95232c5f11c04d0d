"""/metrics is for holders of METRICS_TOKEN."""

import os
import subprocess
import sys

import pytest

from tests.support.stack import ROOT

TOKEN = "0123456789abcdef" * 2


def get(client, authorization: str = "", path: str = "/metrics"):
    return client.get(path, headers={"authorization": authorization, "host": "10.1.2.3:8000"})


@pytest.mark.parametrize("authorization", ["", f"Bearer {TOKEN}", "Bearer "])
def test_metrics_are_missing_without_a_token(client, settings, authorization):
    settings.METRICS_TOKEN = ""
    assert get(client, authorization).status_code == 404


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer x", f"Token {TOKEN}", f"Bearer {TOKEN}x", "Bearer ä"])
def test_metrics_refuse_a_wrong_token(client, settings, authorization):
    settings.METRICS_TOKEN = TOKEN
    assert get(client, authorization).status_code == 401


def test_metrics_count_refusals_by_purpose(client, db, settings):
    settings.METRICS_TOKEN = TOKEN
    rates = {**settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "login": "1/hour"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    before = refusals(client)
    for _ in range(3):
        client.post(
            "/api/accounts/login/", {"email": "a@example.com", "password": "x"}, content_type="application/json"
        )
    assert refusals(client) == before + 2


def refusals(client) -> float:
    text = get(client, f"Bearer {TOKEN}", "/metrics/").content.decode()
    counts = [line.split()[-1] for line in text.splitlines() if 'refusals_total{purpose="login"}' in line]
    return sum(map(float, counts))


def test_metrics_of_several_processes_are_added_up(client, tmp_path):
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    count = "import django; django.setup(); from common.windows import REFUSALS; REFUSALS.labels('login').inc()"
    show = "import django; django.setup(); from myproject.metrics import *; print(generate_latest(registry()).decode())"
    environment["DJANGO_SETTINGS_MODULE"] = "settings.test"
    for _ in range(2):
        subprocess.run([sys.executable, "-c", count], cwd=ROOT, env=environment, check=True)
    shown = subprocess.check_output([sys.executable, "-c", show], cwd=ROOT, env=environment, text=True)
    assert 'rate_limit_refusals_total{purpose="login"} 2.0' in shown
