"""Thousands of odd requests to every route of a real web server: no status 500, and no forged or unescaped log line."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.support.generated_requests import Actor, RequestGenerator
from tests.support.raw_http import RawResponse, send_raw
from tests.support.routes import all_paths
from tests.support.site import Site
from tests.support.stack import HUNG_AFTER, POSTGRES, temporary_database

ADDRESS, PASSWORD = "ada@example.com", "correct horse battery"
THREADS = 4


def user_of(site: Site) -> list[Actor]:
    """Return a user with a session and with a token."""
    site.add_person(ADDRESS, PASSWORD)
    credentials = {"email": ADDRESS, "password": PASSWORD}
    # Sets cookies by hand, because requests sends none that are Secure over HTTP.
    headers = {"X-Forwarded-Proto": "https", "Referer": site.url.replace("http:", "https:")}
    page = requests.get(f"{site.url}/login", headers=headers, timeout=HUNG_AFTER)
    form = {**credentials, "csrfmiddlewaretoken": page.text.split('name="csrfmiddlewaretoken" value="')[1][:64]}
    headers["Cookie"] = cookie_header(page)
    welcome = requests.post(f"{site.url}/login", form, headers=headers, timeout=HUNG_AFTER, allow_redirects=False)
    assert welcome.status_code == 302, welcome.text
    login = requests.post(f"{site.url}/api/accounts/login/", json=credentials, timeout=HUNG_AFTER)
    return [Actor(cookie=cookie_header(welcome)), Actor(authorization=f"Token {login.json()['token']}")]


def cookie_header(response: requests.Response) -> str:
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in response.cookies if cookie.value)


def send_all(site: Site, messages: list[bytes]) -> None:
    """Send the requests, and check the responses and the log."""
    log = site.directory / "web.log"
    start = log.stat().st_size
    with ThreadPoolExecutor(THREADS) as pool:
        responses = [*pool.map(lambda message: send_raw(site.url, message, ends=True), messages)]
    failed = [message for message, response in zip(messages, responses, strict=True) if response.status == 500]
    assert not failed, failed[:5]
    assert_most_reach_the_project(responses)
    assert_log_is_clean(log.read_bytes()[start:])


def assert_most_reach_the_project(responses: list[RawResponse]) -> None:
    """Without this, a generator whose requests the web server refuses would prove nothing."""
    statuses = Counter(response.status for response in responses)
    with_headers = sum("Content-Security-Policy" in response.head for response in responses)
    assert with_headers > len(responses) / 2, statuses
    assert {200, 302, 400, 403, 404, 405, 413} <= set(statuses), statuses


def assert_log_is_clean(log: bytes) -> None:
    lines = log.decode(errors="surrogateescape").removesuffix("\n").split("\n")
    assert not [line for line in lines if not line.isprintable()]
    assert not [line for line in lines if line.startswith("2001-")]
    assert not [line for line in lines if line.startswith(("Traceback", "--- Logging error"))]


def test_a_thousand_requests_cause_no_500(site: Site):
    generator = RequestGenerator(1, all_paths())
    send_all(site, [generator.next_request() for _ in range(1_000)])


@pytest.fixture
def site_on_postgres(tmp_path: Path, migrated_database: str) -> Iterator[Site]:
    """Provide a site of its own on PostgreSQL, which refuses more texts than SQLite does."""
    with (
        temporary_database(migrated_database) as database,
        Site(tmp_path, DATABASE_URL=f"{POSTGRES}/{database}", ALLOWED_HOSTS="localhost,127.0.0.1") as site,
    ):
        yield site


@pytest.mark.exhaustive
def test_ten_thousand_requests_of_strangers_and_users_cause_no_500(site_on_postgres: Site):
    actors = [Actor(), *user_of(site_on_postgres)]
    generator = RequestGenerator(2, all_paths(), actors)
    send_all(site_on_postgres, [generator.next_request() for _ in range(10_000)])
