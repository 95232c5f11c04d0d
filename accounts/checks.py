"""System checks for settings that would keep people from signing up."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string


@register("accounts")
def check_challenge(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    path = settings.ACCOUNTS_SIGNUP_CHALLENGE
    try:
        is_usable = not path or callable(import_string(path))
    except ImportError:
        is_usable = False
    if is_usable:
        return []
    hint = "Name a function that takes the request and returns whether to accept it, such as acme.challenges.is_person."
    return [Error("ACCOUNTS_SIGNUP_CHALLENGE names no function.", hint=hint, id="accounts.E001")]
