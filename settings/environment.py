"""Reading the environment: django-environ, with an empty value treated as unset."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

PLACEHOLDER = re.compile(r"change[-_ ]?me|placeholder|insecure|^<.*>$|^(your|my)[-_]|^x{3,}$|^todo$", re.IGNORECASE)


class Env(environ.Env):  # type: ignore[misc]  # django-environ ships no usable base class types
    """django-environ over the variables that have a value; remembers every name it was asked for.

    `FOO=` in a compose file or an .env file means "not set", so that one line can list a variable without setting it.
    """

    names_read: set[str] = set()

    def get_value(self, var: str, *args: object, **kwargs: object) -> object:
        self.names_read.add(var)
        return super().get_value(var, *args, **kwargs)

    def __contains__(self, var: str) -> bool:
        self.names_read.add(var)
        return super().__contains__(var)


def read_environment() -> Env:
    """The process environment, completed from .env where a variable is not set outside."""
    if os.environ.get("DJANGO_SETTINGS_MODULE") != "settings.test":  # a developer's keys have no business in a test run
        environ.Env.read_env(BASE_DIR / ".env")
    env = Env()
    env.ENVIRON = {name: value for name, value in os.environ.items() if value.strip()}
    return env


def require(env: Env, names: Sequence[str]) -> None:
    """Refuse to start, naming every variable that is missing or still holds a placeholder."""
    problems = [f"{name} is not set" for name in names if name not in env]
    problems += [
        f"{name} still holds a placeholder" for name in names if name in env and PLACEHOLDER.search(env.str(name))
    ]
    if problems:
        raise ImproperlyConfigured(
            "Production cannot start: " + "; ".join(problems) + ". See .env.example for what each variable means."
        )
