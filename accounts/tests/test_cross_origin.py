"""A front end at another origin: allowed by name, with tokens, and never with cookies."""

import pytest

from accounts.tests.support.users import CREDENTIALS

ORIGIN = "https://front.example.com"


@pytest.fixture(autouse=True)
def allowed_origin(settings):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]


def test_allowed_origin_may_send_token_and_device(client):
    response = client.options(
        "/api/accounts/me/",
        headers={
            "origin": ORIGIN,
            "access-control-request-method": "PATCH",
            "access-control-request-headers": "authorization, content-type, known-device",
        },
    )
    assert response["Access-Control-Allow-Origin"] == ORIGIN
    assert {"PATCH", "DELETE"} <= {*response["Access-Control-Allow-Methods"].split(", ")}
    assert {"authorization", "known-device"} <= {*response["Access-Control-Allow-Headers"].split(", ")}
    assert "Access-Control-Allow-Credentials" not in response


def test_allowed_origin_may_read_the_needed_headers(call_api, ada):
    response = call_api("POST", "login/", CREDENTIALS, HTTP_ORIGIN=ORIGIN)
    assert {*response["Access-Control-Expose-Headers"].split(", ")} == {"known-device", "retry-after", "x-request-id"}


@pytest.mark.parametrize(("origin", "path"), [("https://evil.example", "/api/schema/"), (ORIGIN, "/admin/login/")])
def test_other_origins_and_paths_get_no_cors_headers(client, db, origin, path):
    assert "Access-Control-Allow-Origin" not in client.get(path, headers={"origin": origin})
