"""The OpenAPI schema of accounts."""

import json

from django.core.management import call_command


def test_schema_is_valid_and_complete(capsys):
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json")
    paths = json.loads(capsys.readouterr().out)["paths"]
    ours = {path.removeprefix("/api/accounts/") for path in paths if path.startswith("/api/accounts/")}
    assert ours >= {"signup/", "email/verify/", "login/", "logout/", "me/"}
