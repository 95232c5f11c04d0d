"""Request limits of the API, per client (IP address) and per email address.

``set_rate("login", "2/minute")`` sets the rate of one scope, so that a test needs only a few requests to reach it. The
third request within that minute then gets a 429 response. The counts are cleared for each test.
"""

import hashlib
import threading
import time
from itertools import count

import pytest
from django.urls import get_resolver
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from accounts.tests.support.users import ADA, PASSWORD
from common import client_ip as client_ip_module
from common.client_ip import client_ip
from common.windows import process_windows


def all_views(patterns=None):
    """The view classes of all routes."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if hasattr(pattern, "url_patterns"):
            yield from all_views(pattern.url_patterns)
        elif view := getattr(pattern.callback, "cls", None):
            yield view


@pytest.fixture
def set_rate(settings):
    """Provide a function that sets the rate of a scope, and the number of trusted proxies in front of the site."""

    def set_rate(scope: str, rate: str | None, proxies: int = 0) -> None:
        rates = {**api_settings.DEFAULT_THROTTLE_RATES, scope: rate}
        settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates, "NUM_PROXIES": proxies}

    return set_rate


def fail_to_log_in(post, email: str = "ada@example.com", **headers: str):
    return post("login/", {"email": email, "password": "wrong"}, **headers)


def test_signups_per_client_are_limited(post, set_rate, sent_emails):
    set_rate("signup", "2/hour")
    responses = [post("signup/", {**ADA, "email": f"{number}@example.com"}) for number in range(3)]
    assert [response.status_code for response in responses] == [201, 201, 429]
    assert 0 < int(responses[2]["Retry-After"]) <= 3600
    assert len(sent_emails) == 2


@pytest.mark.parametrize("path", ["login/", "email/verify/"])
def test_guesses_are_limited(post, set_rate, ada, path):
    set_rate("login", "2/minute")
    data = {"email" if path == "login/" else "token": "ada@example.com", "password": "wrong"}
    assert [post(path, data).status_code for _ in range(3)] == [400, 400, 429]


def test_address_is_protected_from_many_clients(post, set_rate, ada):
    set_rate("login", "2/minute")
    spellings = ["ada@example.com", "ADA@example.com", " Ada@Example.com "]
    responses = [fail_to_log_in(post, email, REMOTE_ADDR=f"192.0.2.{n}") for n, email in enumerate(spellings)]
    assert [response.status_code for response in responses] == [400, 400, 429]
    assert fail_to_log_in(post, "bob@example.com", REMOTE_ADDR="192.0.2.9").status_code == 400


def test_ipv6_network_counts_as_one_client(post, set_rate, db):
    """A customer of an internet provider gets a whole /64 network, and so has more addresses than can be counted."""
    set_rate("login", "1/minute")
    first = fail_to_log_in(post, "a@example.com", REMOTE_ADDR="2001:db8::1")
    same_network = fail_to_log_in(post, "b@example.com", REMOTE_ADDR="2001:db8::2")
    other_network = fail_to_log_in(post, "c@example.com", REMOTE_ADDR="2001:db8:0:1::1")
    assert [first.status_code, same_network.status_code, other_network.status_code] == [400, 429, 400]


@pytest.mark.parametrize(("proxies", "last"), [(0, 429), (1, 400)])
def test_forwarded_address_counts_only_behind_trusted_proxies(post, set_rate, db, proxies, last):
    set_rate("login", "1/minute", proxies)
    fail_to_log_in(post, "a@example.com", HTTP_X_FORWARDED_FOR="198.51.100.1")
    assert fail_to_log_in(post, "b@example.com", HTTP_X_FORWARDED_FOR="198.51.100.2").status_code == last


def test_client_cannot_forge_its_address_behind_a_proxy(post, set_rate, db):
    """The proxy appends the client's real address, 192.0.2.1, to the header that the client has sent."""
    set_rate("login", "1/minute", 1)
    fail_to_log_in(post, "a@example.com", HTTP_X_FORWARDED_FOR="198.51.100.1, 192.0.2.1")
    assert fail_to_log_in(post, "b@example.com", HTTP_X_FORWARDED_FOR="198.51.100.2, 192.0.2.1").status_code == 429


def test_client_may_retry_after_retry_after(post, set_rate, ada):
    set_rate("login", "1/second")
    refused = next(response for response in (fail_to_log_in(post) for _ in count()) if response.status_code == 429)
    time.sleep(int(refused["Retry-After"]))  # waiting as instructed must be enough
    assert post("login/", {"email": "ada@example.com", "password": PASSWORD}).status_code == 200


def test_rate_can_be_none(post, set_rate, db):
    set_rate("login", None)
    assert fail_to_log_in(post).status_code == 400


def test_keys_contain_no_address(post, db):
    """Email and IP addresses are personal data. Memory, Redis, and its logs get only keyed hashes of them."""
    fail_to_log_in(post)
    keys = " ".join(process_windows._times)
    assert keys.count("window:login:login_account:") == 2
    assert "@" not in keys
    assert "127.0.0.1" not in keys
    assert hashlib.sha256(b"address:ada@example.com").hexdigest() not in keys


@pytest.mark.parametrize(
    ("header", "proxies", "client"),
    [
        ("198.51.100.1", 1, "198.51.100.1"),
        ("203.0.113.7, 198.51.100.1", 1, "198.51.100.1"),
        ("203.0.113.7, 198.51.100.1, 192.0.2.8", 2, "198.51.100.1"),
        ("198.51.100.1", 2, "192.0.2.1"),  # fewer entries than proxies: forged, or it came another way
        ("", 1, "192.0.2.1"),
        (" , ,", 1, "192.0.2.1"),
        ("203.0.113.7,, 198.51.100.1 ,", 1, "198.51.100.1"),
        ("198.51.100.1:4711", 1, "198.51.100.1"),
        ("[2001:db8::1]:443", 1, "2001:db8::1"),
        ("[2001:db8::1]", 1, "2001:db8::1"),
        ('"[2001:db8::1]:443"', 1, "2001:db8::1"),
        ("2001:DB8::1", 1, "2001:db8::1"),
        ("fe80::1%eth0", 1, "fe80::1"),
        ("::ffff:198.51.100.1", 1, "198.51.100.1"),
        ("unknown", 1, "192.0.2.1"),
        ("_hidden", 1, "192.0.2.1"),
        ("198.51.100.256", 1, "192.0.2.1"),
        ("[", 1, "192.0.2.1"),
        ("\x00", 1, "192.0.2.1"),
        ("198.51.100.1", 0, "192.0.2.1"),
    ],
)
def test_client_is_read_from_the_right_entry(rf, set_rate, header, proxies, client):
    set_rate("login", "1/minute", proxies)
    request = rf.get("/", HTTP_X_FORWARDED_FOR=header, REMOTE_ADDR="192.0.2.1")
    assert str(client_ip(request)) == client


@pytest.mark.parametrize("remote", ["", "unix:", "@"])
def test_client_without_an_address_is_limited_too(post, set_rate, db, remote):
    set_rate("login", "1/minute")
    statuses = [fail_to_log_in(post, f"{n}@example.com", REMOTE_ADDR=remote).status_code for n in range(2)]
    assert statuses == [400, 429]


def test_same_ipv4_address_in_two_forms_is_one_client(post, set_rate, db):
    set_rate("login", "1/minute")
    fail_to_log_in(post, "a@example.com", REMOTE_ADDR="192.0.2.1")
    assert fail_to_log_in(post, "b@example.com", REMOTE_ADDR="::ffff:192.0.2.1").status_code == 429


@pytest.mark.parametrize(("proxies", "warnings"), [(0, 1), (1, 0)])
def test_ignored_forwarded_header_is_logged_once(post, set_rate, db, caplog, monkeypatch, proxies, warnings):
    monkeypatch.setattr(client_ip_module, "is_header_ignored", threading.Event())
    set_rate("login", "9/minute", proxies)
    for number in range(3):
        fail_to_log_in(post, HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")
    assert [record.name for record in caplog.records].count("common.client_ip") == warnings
    assert ("TRUSTED_PROXY_COUNT" in caplog.text) == bool(warnings)


@pytest.mark.parametrize("view", [view for view in all_views() if issubclass(view, APIView)])
def test_django_rest_framework_sees_at_most_one_throttle(view):
    """It asks every throttle, even after one has refused the request."""
    assert len(view().get_throttles()) <= 1


def test_profile_can_be_read_without_a_limit(call_api, set_rate, ada_token):
    set_rate("login", "1/hour")
    assert {call_api("GET", "me/", token=ada_token).status_code for _ in range(3)} == {200}
    assert [call_api("PATCH", "me/", {"name": "A"}, token=ada_token).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("email", [None, 1, [], {}, ["ada@example.com"], "\ud800", "\x00", "@" * 5000])
def test_any_email_value_is_counted_for_the_client(post, set_rate, db, email):
    set_rate("login", "2/minute")
    statuses = [post("login/", {"email": email, "password": "wrong"}).status_code for _ in range(3)]
    assert statuses == [400, 400, 429]
