"""Errors about large input are short: a client can't make the API send or compute much more than it sent."""

import json
from typing import Any

import pytest

from accounts.tests.support.users import ADA

MAX_RESPONSE_BYTES = 8_000
LARGE: dict[str, Any] = {
    "thousands of unknown fields": {**{f"f{number}": 1 for number in range(5_000)}},
    "unknown fields with long names": {f"{number}{'x' * 6_000}": 1 for number in range(10)},
    "one unknown field with a name of 60 kB": {"x" * 60_000: 1},
    "names that JSON must escape": {chr(number % 32) * 200 + str(number): 1 for number in range(40)},
    "long values": dict.fromkeys(ADA, "x" * 20000),
    "values beyond ASCII": dict.fromkeys(ADA, "ü" * 3000),
    "lists": {name: [1] * 5_000 for name in ADA},
    "objects": {name: {str(number): 1 for number in range(1_000)} for name in ADA},
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("path", ["signup/", "login/", "password/reset/", "email/verify/"])
def test_public_route_responds_briefly(post, path, name):
    response = post(path, json.dumps(LARGE[name]))
    assert response.status_code == 400
    assert len(response.content) < MAX_RESPONSE_BYTES


@pytest.mark.parametrize("language", ["x" * 60_000, ["x" * 1_000] * 50, {"x": "y" * 50_000}])
def test_quoted_choice_is_shortened(call_api, ada_token, language):
    response = call_api("PATCH", "me/", {"language": language}, token=ada_token)
    assert response.status_code == 400
    assert len(response.content) < 1_000


def test_a_few_unknown_fields_are_named(post):
    response = post("signup/", json.dumps({**ADA, **{f"field_{number}": 1 for number in range(7)}}))
    errors = response.json()
    assert errors.pop("non_field_errors") == ["There are 2 more unknown fields."]
    assert errors == {f"field_{number}": ["Unknown field."] for number in range(5)}


@pytest.mark.parametrize("levels", [17, 100, 850, 900, 950, 990, 10_000])
@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_is_refused(client, ada_token, levels, brackets):
    value = brackets[0] * levels + "1" + brackets[1] * levels
    body, headers = f'{{"language": {value}}}', {"authorization": f"Token {ada_token}"}
    response = client.patch("/api/accounts/me/", body, content_type="application/json", headers=headers)
    assert (response.status_code, "nested too deeply" in response.json()["detail"]) == (400, True)
