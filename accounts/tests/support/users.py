"""Users, credentials, and password hashers for tests."""

import re
from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user
from django.contrib.auth.hashers import Argon2PasswordHasher, MD5PasswordHasher
from django.http import HttpRequest
from django.test import Client

PASSWORD = "correct horse battery staple"
ADA = {"email": "ada@example.com", "name": "Ada Lovelace", "password": PASSWORD}
NEW_PASSWORD = "a longer sentence is a better password"
CREDENTIALS = {"email": "ada@example.com", "password": PASSWORD}


def log_in(call_api: Callable[..., Any], **changes: str) -> str:
    token: str = call_api("POST", "login/", {**CREDENTIALS, **changes}).json()["token"]
    return token


def token_in(message: Any) -> str:
    """The token of the link in an email, which must be in the text and in the HTML."""
    [token] = re.findall(r"\?token=(\S+)", message.body)
    assert f"?token={token}" in message.alternatives[0][0]
    return str(token)


def is_logged_in(browser: Client) -> bool:
    request = HttpRequest()
    request.session = browser.session
    return get_user(request).is_authenticated


class QuickArgon2(Argon2PasswordHasher):
    time_cost = 1
    memory_cost = 16 * 1024
    parallelism = 1


class CountingHasher(MD5PasswordHasher):
    """Counts hashed passwords, which take most of the time of a sign-up or login."""

    hashed = 0

    def encode(self, password, salt):
        CountingHasher.hashed += 1
        return super().encode(password, salt)


class CountingArgon2(QuickArgon2):
    """Counts hashed passwords, those to store and those to compare alike."""

    hashed = 0

    def encode(self, password, salt):
        CountingArgon2.hashed += 1
        return super().encode(password, salt)

    def verify(self, password, encoded):
        CountingArgon2.hashed += 1
        return super().verify(password, encoded)
