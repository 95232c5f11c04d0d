"""A variable that a template looks up and the context lacks is an error wherever it would be shown or tested."""

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.template import engines

from emails import samples
from emails.branding import brand
from emails.errors import MissingVariable
from emails.folders import TEXT_ENGINE
from emails.rendering import HTML_ENGINE, render_email, render_part
from emails.services import send_templated_email
from emails.tests.support.fixtures_kinds import write_kind

__all__ = ["write_kind"]

PARTS = {TEXT_ENGINE: ["subject.txt", "body.txt"], HTML_ENGINE: ["body.html"]}
ONLY_IN_SUBJECT = {("staff_message", "title")}
SAMPLE_VARIABLES = [(kind, name) for kind in samples.folders() for name in samples.sample_context(kind)]


def missing_names(engine: str, kind: str, context: dict[str, Any]) -> set[str]:
    """Render the parts of one engine, and return the variables that they miss."""
    names = set()
    for part in PARTS[engine]:
        try:
            render_part(engine, kind, part, {"brand": brand(), "app_url": "", "subject": "", **context})
        except MissingVariable as error:
            assert error.kind == kind
            names.add(error.name)
    return names


@pytest.mark.parametrize("engine", [TEXT_ENGINE, HTML_ENGINE])
@pytest.mark.parametrize(("kind", "name"), SAMPLE_VARIABLES)
def test_every_variable_of_every_kind_is_required(engine, kind, name):
    context = samples.sample_context(kind)
    del context[name]
    is_looked_up = engine == TEXT_ENGINE or (kind, name) not in ONLY_IN_SUBJECT
    assert missing_names(engine, kind, context) == ({name} if is_looked_up else set())


@pytest.mark.parametrize("engine", [TEXT_ENGINE, HTML_ENGINE])
@pytest.mark.parametrize("name", ["description", "amount"])
def test_every_attribute_of_a_line_is_required(engine, name):
    context = samples.sample_context("receipt")
    del context["lines"][0][name]
    assert missing_names(engine, "receipt", context) == {f"line.{name}"}


@pytest.mark.parametrize("name", ["name", "color", "logo_url", "address"])
def test_layout_is_strict(name):
    context = samples.sample_context("welcome") | {"brand": {key: "x" for key in brand() if key != name}}
    assert missing_names(HTML_ENGINE, "welcome", context) == {f"brand.{name}"}


class Customer:
    first_name = "Ada"

    def delete(self):
        return "deleted"

    delete.alters_data = True  # type: ignore[attr-defined]

    def greet(self, greeting):
        return greeting

    @property
    def company(self):
        raise ObjectDoesNotExist


CONTEXT = {"name": "Ada", "customer": Customer(), "lines": [{"amount": 1}, {}], "nothing": None, "count": 2}
USES = [
    ("{{ gone }}", "gone"),
    ("{{ customer.gone }}", "customer.gone"),
    ("{{ customer.gone.deeper }}", "customer.gone.deeper"),
    ("{{ nothing.name }}", "nothing.name"),
    ("{{ lines.7 }}", "lines.7"),
    ("{{ customer.company }}", "customer.company"),
    ("{{ customer.delete }}", "customer.delete"),
    ("{{ customer.greet }}", "customer.greet"),
    ("{{ gone|upper }}", "gone"),
    ('{{ gone|default:"there" }}', "gone"),
    ('{{ gone|default_if_none:"there" }}', "gone"),
    ("{{ gone|date:'DATE_FORMAT' }}", "gone"),
    ("{{ name|default:gone }}", "gone"),
    ("{{ name|add:customer.gone }}", "customer.gone"),
    ("{% if gone %}x{% endif %}", "gone"),
    ("{% if not gone %}x{% endif %}", "gone"),
    ("{% if name and gone %}x{% endif %}", "gone"),
    ("{% if name or gone %}x{% else %}y{% endif %}{{ gone }}", "gone"),
    ("{% if gone == 1 %}x{% endif %}", "gone"),
    ("{% if name in gone %}x{% endif %}", "gone"),
    ("{% if not name %}x{% elif customer.gone %}x{% endif %}", "customer.gone"),
    ("{% if name %}Hello {{ gone }}{% endif %}", "gone"),
    ("{% for line in gone %}x{% endfor %}", "gone"),
    ("{% for line in gone %}x{% empty %}y{% endfor %}", "gone"),
    ("{% for line in lines %}{{ line.amount }}{% endfor %}", "line.amount"),
    ("{% for line in lines %}{{ gone }}{% endfor %}", "gone"),
    ("{% include 'emails/part.txt' %}", "url"),
    ("{% include 'emails/part.txt' with url=gone %}", "gone"),
    ("{% include 'emails/part.txt' with name=name only %}", "url"),
    ("{% include gone %}", "gone"),
    ("{% with shown=gone %}{{ shown }}{% endwith %}", "gone"),
    ("{% firstof gone name %}", "gone"),
    ("{% ifchanged gone %}x{% endifchanged %}", "gone"),
    ("{% regroup gone by amount as groups %}", "gone"),
    ("{% widthratio gone 1 100 %}", "gone"),
    ("{% filter upper %}{{ gone }}{% endfilter %}", "gone"),
    ("{% load i18n %}{% translate gone %}", "gone"),
    ("{% load i18n %}{% blocktranslate %}Hello {{ gone }}{% endblocktranslate %}", "gone"),
    ("{% load i18n %}{% blocktrans trimmed %}Hello {{ gone }}{% endblocktrans %}", "gone"),
    (
        "{% load i18n %}{% blocktranslate %}Hello {{ customer.first_name }}{% endblocktranslate %}",
        "customer.first_name",
    ),
    ("{% load i18n %}{% blocktranslate with who=gone %}Hello {{ who }}{% endblocktranslate %}", "gone"),
    ("{% load i18n %}{% blocktranslate asvar text %}Hello {{ gone }}{% endblocktranslate %}{{ text }}", "gone"),
    (
        "{% load i18n %}{% blocktranslate count n=count %}One{% plural %}{{ n }} for {{ gone }}{% endblocktranslate %}",
        "gone",
    ),
]


@pytest.fixture(params=[TEXT_ENGINE, HTML_ENGINE])
def render(request, write_kind) -> Callable[[str], str]:
    """Provide a function that renders a template with ``CONTEXT`` in an email. Runs the test once per engine."""
    folder = write_kind("odd")
    (folder.parent / "part.txt").write_text("{{ name }} {{ url }}")
    (folder.parent / "layout.html").write_text("{{ name }}{% block content %}{% endblock %}{{ url }}")
    [part] = PARTS[request.param][-1:]

    def render(template: str) -> str:
        (folder / part).write_text(template)
        return render_part(request.param, "odd", part, CONTEXT)

    return render


@pytest.mark.parametrize(("template", "name"), USES)
def test_missing_variable_is_named(render, template, name):
    with pytest.raises(MissingVariable) as raised:
        render(template)
    assert raised.value.kind == "odd"
    assert raised.value.name == name
    own = ["emails/odd/body.txt", "emails/odd/body.html"]
    assert raised.value.template in (["emails/part.txt"] if name == "url" else own)


@pytest.mark.parametrize(
    "template",
    [
        '{% extends "emails/layout.html" %}{% block content %}x{% endblock %}',
        '{% extends "emails/layout.html" %}{% block content %}{{ block.super }}{% endblock %}',
    ],
)
def test_missing_variable_of_the_layout_is_named(render, template):
    with pytest.raises(MissingVariable, match=r"lacks the variable 'url', which emails/layout\.html uses"):
        render(template)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{% if name %}{{ name }}{% else %}{{ gone }}{% endif %}", "Ada"),
        ("{% if nothing %}{{ nothing.name }}{% endif %}", ""),
        ("{{ nothing|default_if_none:'' }}", ""),
        ("{{ customer.first_name|lower }}", "ada"),
        ("{% for line in lines %}{{ forloop.counter }}{% endfor %}", "12"),
        ("{% with shown=name %}{{ shown }}{% endwith %}", "Ada"),
        ("{% include 'emails/part.txt' with url=name %}", "Ada Ada"),
        ("{% load i18n %}{% blocktranslate with who=name %}Hi {{ who }}{% endblocktranslate %}", "Hi Ada"),
        (
            "{% load i18n %}{% blocktranslate count n=count %}One{% plural %}{{ n }} files{% endblocktranslate %}",
            "2 files",
        ),
        ("{% now 'Y' as year %}{% if year %}x{% endif %}", "x"),
        ("{{ True }}{{ None }}{{ 5 }}{{ 'x' }}", "TrueNone5x"),
    ],
)
def test_variables_that_are_there_are_shown(render, template, text):
    assert render(template) == text


@pytest.mark.parametrize("is_debug", [True, False])
def test_debug_changes_nothing(write_kind, settings, is_debug):
    settings.DEBUG = is_debug
    write_kind("odd", html="{{ gone }}")
    with pytest.raises(MissingVariable):
        render_email("odd", {"name": "Ada"})


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("backend", ["outbox.OutboxBackend", "locmem.EmailBackend"])
def test_nothing_is_sent(write_kind, settings, mailoutbox, backend, django_assert_num_queries):
    settings.EMAIL_BACKEND = f"{'emails' if 'outbox' in backend else 'django.core.mail'}.backends.{backend}"
    write_kind("odd")
    with pytest.raises(MissingVariable), django_assert_num_queries(0):
        send_templated_email(kind="odd", to="ada@example.com", context={})
    assert mailoutbox == []


def test_pages_stay_as_forgiving_as_before(write_kind):
    write_kind("odd", html="[{{ gone }}]")
    assert engines[HTML_ENGINE].get_template("emails/odd/body.html").render({}) == "[]"


def test_changed_template_is_read_again(write_kind):
    folder = write_kind("odd")
    assert render_email("odd", {"name": "Ada"}).text == "Hi Ada\n"
    (folder / "body.txt").write_text("Bye {{ name }}")
    for loader in engines[TEXT_ENGINE].engine.template_loaders:  # type: ignore[attr-defined]
        loader.reset()  # as Django's autoreloader does
    assert render_email("odd", {"name": "Ada"}).text == "Bye Ada\n"


def test_error_survives_pickling():
    error = pickle.loads(pickle.dumps(MissingVariable("odd", "emails/odd/body.txt", "gone")))
    assert (error.kind, error.template, error.name) == ("odd", "emails/odd/body.txt", "gone")
