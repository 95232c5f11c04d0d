"""Request limits of the API, per client (IP address) and per email address.

``set_rate("login", "2/minute")`` sets the rate of one scope, so that a test needs only a few requests to reach it. The
third request within that minute then gets a 429 response. The cache counts the requests and is cleared for each test.
"""

import hashlib
import time
from itertools import count

import pytest
from django.core.cache import cache
from rest_framework.settings import api_settings

from accounts.tests.support.users import ADA, PASSWORD


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


def test_cache_keys_contain_no_address(post, db, monkeypatch):
    """Email and IP addresses are personal data. Redis and its logs get only hashes of them."""
    keys = []
    monkeypatch.setattr(cache, "add", lambda key, *_, **__: keys.append(key), raising=False)
    fail_to_log_in(post)
    assert hashlib.sha256(b"address:ada@example.com").hexdigest() in "".join(keys)
    assert "@" not in "".join(keys)
    assert "127.0.0.1" not in "".join(keys)
