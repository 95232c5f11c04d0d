"""The operator's home page."""

import pytest
from django.test import Client

from accounts.models import User


@pytest.fixture
def root(client, db, mailoutbox) -> Client:
    client.force_login(User.objects.create_superuser("root@example.com"))
    return client


def test_empty(root):
    r = root.get("/admin/")
    print(r.content.decode())
    assert r.status_code == 200
    r = root.get("/admin/search/?q=root@example.com")
    assert r.status_code == 302
    r = root.get("/admin/search/?q=nobody@example.com")
    print(r.content.decode())
