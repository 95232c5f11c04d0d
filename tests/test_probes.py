"""/healthz and /readyz answer whoever asks, however they ask."""

import pytest


@pytest.mark.parametrize("path", ["/healthz", "/healthz/", "/readyz", "/readyz/"])
def test_a_probe_by_ip_address_over_plain_http_is_answered(client, db, settings, path):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get(path, headers={"host": "10.1.2.3:8000"}).status_code == 200


def test_nothing_else_is_answered_to_a_foreign_host(client, settings):
    assert client.get("/admin/", headers={"host": "10.1.2.3:8000"}).status_code == 400
