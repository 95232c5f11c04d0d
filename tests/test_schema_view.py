"""/api/schema/ is built once per process, and safely while many clients request it right after a start."""

import subprocess
import sys

import pytest

from tests.support.stack import ROOT

SCHEMA = "/api/schema/"
# In a fresh process, because drf-spectacular loads its extensions once.
PARALLEL = """
import django
django.setup()
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

CLIENTS = 16
built, barrier = [], Barrier(CLIENTS)
build = SchemaGenerator.get_schema

def counted(self, *args, **kwargs):
    built.append(self)
    return build(self, *args, **kwargs)

def fetch(number):
    barrier.wait()
    path = "/api/schema/" if number % 2 else "/api/schema/?format=json"
    return Client(raise_request_exception=False).get(path, headers={"host": "localhost"}).status_code

SchemaGenerator.get_schema = counted
with ThreadPoolExecutor(CLIENTS) as pool:
    print(*pool.map(fetch, range(CLIENTS)))
print(len(built))
"""


def test_parallel_first_requests_build_one_schema():
    environment = {"DJANGO_SETTINGS_MODULE": "settings.test", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", PARALLEL], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines() == [" ".join(["200"] * 16), "1"], done.stderr


def test_unchanged_schema_is_not_sent_again(client):
    first = client.get(SCHEMA)
    assert first["Cache-Control"] == "public, max-age=3600"
    again = client.get(SCHEMA, headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/vnd.oai.openapi"),
        ("application/json", "application/json"),
        ("application/yaml", "application/yaml"),
        ("application/vnd.oai.openapi+json", "application/vnd.oai.openapi+json"),
    ],
)
def test_client_chooses_the_format(client, accept, content_type):
    response = client.get(SCHEMA, headers={"accept": accept})
    assert response["Content-Type"] == f"{content_type}; charset=utf-8"
    assert "Accept" in response["Vary"]
    assert b"/api/accounts/signup/" in response.content


@pytest.mark.parametrize("query", ["?lang=%00", "?lang=de", "?version=%0d%0aX:1", "?format=json&version=2&lang=../.."])
def test_query_changes_nothing(client, query):
    """Without the db fixture, a query would fail the test."""
    response = client.get(SCHEMA + query, headers={"accept-language": "de", "authorization": "Token x"})
    assert response.status_code == 200
    assert len({client.get(SCHEMA + query).content for _ in range(2)} | {response.content}) == 1


def test_other_responses_of_the_api_are_never_stored(client, db):
    for path in ("/api/nothing", "/api/accounts/me/", "/api/billing/plans/", "/api/accounts/login/"):
        assert client.get(path)["Cache-Control"] == "no-store", path
    refused = client.post(
        "/api/accounts/login/", "x", content_type="application/json", headers={"host": "evil.example"}
    )
    assert (refused.status_code, refused["Cache-Control"]) == (400, "no-store")
