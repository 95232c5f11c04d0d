"""/healthz and /readyz respond to any client, however it connects."""

import pytest


@pytest.mark.parametrize("path", ["/healthz", "/healthz/", "/readyz", "/readyz/"])
def test_probe_by_ip_over_http_succeeds(client, db, settings, path):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get(path, headers={"host": "10.1.2.3:8000"}).status_code == 200


def test_other_paths_refuse_an_unknown_host(client, settings):
    assert client.get("/admin/", headers={"host": "10.1.2.3:8000"}).status_code == 400
