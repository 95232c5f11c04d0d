"""The admin never responds with 500, whatever a client sends: 400, 404, or the list is right."""

import itertools
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.cache import cache
from django.db.models import Model
from django.test import Client

from accounts.models import User
from common.admin import column_of
from operations.models import Report
from tests.support.admin_pages import Route, identifiers, make_rows, routes

PASSWORD = "correct horse battery staple"
NUL, HUGE = "\0", "9" * 30
# Two of each kind are tried everywhere without RUN_SLOW=1: what PostgreSQL refuses, and what Python can't convert.
VALUES = [
    NUL,
    HUGE,
    "",
    "nonsense",
    "a\0b",
    "-1",
    "9" * 5000,
    "-9223372036854775809",
    "2147483648",
    "0",
    "\ud800",
    "1e400",
    "NaN",
    "(((",
    "%",
    "9999-12-31 23:59:59-14:00",
    "0001-01-01 00:00+14:00",
    "2026-02-30",
    "9999",
    "00000000-0000-0000-0000-000000000000",
    "{[",
    '{"a": 1e999}',
    "a " * 1000,
    "\u202e\U0001f4a5",
    "1,2",
    "True",
    "/../",
]
LOOKUPS = [
    "",
    "__exact",
    "__in",
    "__isnull",
    "__isempty",
    "__gte",
    "__lt",
    "__range",
    "__regex",
    "__contains",
    "__year",
]
FORM_FIELDS = ["password1", "password2", "usable_password", "_popup", "_to_field", "_saveasnew", "_continue", "action"]
VALID: dict[str, dict[str, str]] = {
    "/admin/accounts/user/add/": {"email": "new@example.com", "name": "New", "usable_password": "false"},
    "/admin/accounts/user/<object_id>/change/": {"email": "row@example.com", "name": "Row", "language": "en"},
    "/admin/accounts/user/<id>/password/": {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD},
    "/admin/auth/group/add/": {"name": "New"},
    "/admin/emails/suppression/add/": {"address": "new@example.com"},
}
LIST_PARAMETERS = ["q", "o", "p", "e", "all", "_facets", "_popup", "_to_field", "_changelist_filters", "unknown"]
ROUTES = routes()
MODELS = list(admin.site._registry)
PARTS = 5  # of the sweep over all fields of all forms, so that it uses all cores


@pytest.fixture(autouse=True)
def reset_throttles() -> None:
    cache.clear()


@pytest.fixture
def rows(db) -> dict[type[Model], Model]:
    return make_rows()


@pytest.fixture
def root(rows, monkeypatch) -> Client:
    """A superuser, who gets past every check of rights. Exceptions become 500, as in production."""
    for model_admin in admin.site._registry.values():
        monkeypatch.setattr(model_admin, "list_per_page", 1)  # so that lists have pages
    User.objects.create_superuser("root@example.com", PASSWORD)
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.get(email="root@example.com"))
    return client


class Errors:
    """Sends requests and collects those with the response 500 or an ERROR in the log."""

    def __init__(self, client: Client, caplog: pytest.LogCaptureFixture) -> None:
        self.client, self.caplog, self.found = client, caplog, list[str]()

    def send(self, method: str, path: str, query: dict[str, Any] | None = None, data: Any = None) -> None:
        url = encoded(path) + (f"?{urlencode(query, doseq=True, errors='surrogatepass')}" if query else "")
        self.caplog.clear()
        response = self.client.generic(method, url, encoded_form(data), "application/x-www-form-urlencoded")
        if response.status_code >= 500 or any(record.levelno >= logging.ERROR for record in self.caplog.records):
            self.found.append(f"{response.status_code} {method} {url[:200]} {str(data)[:200]}")


def encoded(path: str) -> str:
    return quote(path.encode(errors="surrogatepass"), safe="/")


def encoded_form(data: Any) -> str:
    return urlencode(data, doseq=True, errors="surrogatepass") if data else ""


@pytest.fixture
def errors(root, caplog) -> Iterator[Errors]:
    errors = Errors(root, caplog)
    yield errors
    assert errors.found == []


def list_path(model: type[Model]) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def filters_of(model: type[Model]) -> list[str]:
    """Return the parameters that a list reads."""
    model_admin = admin.site._registry[model]
    columns = [column_of(entry) for entry in model_admin.list_filter]
    names = [getattr(column, "parameter_name", column) for column in columns]
    offered = [f"{name}{lookup}" for name in names for lookup in ("", "__exact", "__isnull", "__isempty", "__gte")]
    return [*LIST_PARAMETERS, *offered]


def lookups_of(model: type[Model]) -> list[str]:
    """Return lookups in all columns of a list's model, which no link of the list contains."""
    return [f"{field.name}{lookup}" for field in model._meta.get_fields() for lookup in LOOKUPS]


def fields_of(model: type[Model] | None) -> list[str]:
    """Return the names in every form of a model's pages."""
    columns = [field.name for field in model._meta.get_fields()] if model else []
    return [*columns, *FORM_FIELDS]


@pytest.mark.parametrize("value", [NUL, HUGE, "9999", "(((", "a " * 1000])
def test_lists_survive_bad_parameters(errors, value):
    for model in MODELS:
        for name in filters_of(model):
            errors.send("GET", list_path(model), {name: value})


@pytest.mark.exhaustive
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_lists_survive_every_bad_parameter(errors, model):
    values = itertools.cycle(VALUES)
    for name in filters_of(model) * 5 + lookups_of(model):
        errors.send("GET", list_path(model), {name: next(values)})


@pytest.mark.exhaustive
def test_user_list_survives_every_bad_value(errors):
    for name, value in itertools.product(filters_of(User), VALUES):
        errors.send("GET", list_path(User), {name: value})


@pytest.mark.parametrize("value", ["", "nonsense", "password"])
def test_unknown_to_field_is_refused(root, rows, value):
    for model, row in rows.items():
        for page in ("change", "delete"):
            path = f"{list_path(model)}{quote(str(row.pk))}/{page}/"
            refused = (400, 403) if model is not Report else (400, 404)  # no pages for rows
            assert root.get(path, {"_to_field": value}).status_code in refused
            assert root.post(path, {"_to_field": value}).status_code in refused


@pytest.mark.parametrize("value", [NUL, HUGE, "nonsense", "_00", ""])
def test_pages_survive_bad_ids(errors, value):
    for route in ROUTES:
        if "<" in route.path:
            errors.send("GET", route.url(other=value))
            errors.send("POST", route.url(other=value), data={"post": "yes"})


@pytest.mark.exhaustive
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_pages_survive_every_bad_id(errors, rows, method):
    values = itertools.cycle(VALUES)
    for route in [route for route in ROUTES if "<" in route.path] * 5:
        value = next(values)
        errors.send(method, route.url(other=value), {"p": value, "_to_field": value})


@pytest.mark.parametrize("value", [NUL, HUGE, "nonsense", "2026-02-30"])
def test_forms_survive_bad_data(errors, rows, value):
    for route in ROUTES:
        post_form(errors, route, rows, value)


@pytest.mark.exhaustive
@pytest.mark.parametrize("part", range(PARTS))
def test_forms_survive_every_bad_value(errors, rows, part):
    values = itertools.cycle(VALUES[part:] + VALUES[:part])
    for route in ROUTES:
        post_form(errors, route, rows, next(values))
        for name in fields_of(route.model)[part::PARTS]:
            post_form(errors, route, rows, next(values), only=name)


def post_form(errors: Errors, route: Route, rows: dict[type[Model], Model], value: str, only: str = "") -> None:
    """Open the page with bad initial values and post its form with bad data, in all fields or in one of them."""
    if "logout" in route.path:
        return
    row = rows[route.model] if route.model else rows[User]
    names = [only] if only else fields_of(route.model)
    url, data = route.url(**identifiers(row)), dict.fromkeys(names, value)
    if not only:
        errors.send("GET", url, data)
        errors.send("POST", url, {"_changelist_filters": value})
    errors.send("POST", url, data={**VALID.get(route.path, {}), **data})


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_list_actions_survive_bad_selections(errors, rows, model):
    model_admin = admin.site._registry[model]
    actions = ["delete_selected", *(name for name in model_admin.actions or () if isinstance(name, str)), "nonsense"]
    selections = [["nonsense"], [HUGE], [NUL], [""], ["-1", "1.5"], [str(rows[model].pk), "nonsense"], ["1"] * 900]
    for action, selection in itertools.product(actions, selections):
        for extra in ({}, {"index": HUGE}, {"index": "nonsense", "select_across": HUGE}, {"post": "yes"}):
            errors.send("POST", list_path(model), data={"action": action, "_selected_action": selection, **extra})


def test_autocomplete_survives_every_field(errors):
    for model in [*MODELS, *apps.get_models()]:
        for name in [*(field.name for field in model._meta.get_fields()), "nonsense", NUL]:
            names = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": name}
            errors.send("GET", "/admin/autocomplete/", {**names, "term": "a", "page": "nonsense"})


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/password_change/"])
def test_password_forms_survive_bad_data(errors, path):
    names = ["username", "password", "next", "old_password", "new_password1", "new_password2"]
    for value in VALUES:
        errors.send("POST", path, data=dict.fromkeys(names, value))
        errors.send("GET", path, {"next": value})


def test_unreadable_parameter_is_reported_as_400(root, caplog):
    assert root.get("/admin/emails/outboundemail/?status=%00").status_code == 400
    assert root.get("/admin/billing/customer/%00/change/").status_code == 400
    assert root.get("/admin/emails/outboundemail/?content__contains=token").status_code == 400
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_unreadable_dates_and_searches_lead_to_the_list(root):
    for query in ("date_joined__gte=9999-99-99", f"date_joined__gte={HUGE}", "q=" + "a+" * 1000, f"p={HUGE}"):
        assert root.get(f"/admin/accounts/user/?{query}")["Location"] == "/admin/accounts/user/?e=1"
