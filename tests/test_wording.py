"""Texts for people are plain English, without the constructions that ``RULES`` lists.

The texts come from the templates, the catalog, every string literal in the apps, the models and forms that Django
knows at run time, the admin, and the OpenAPI schema. Each finding names the file and the line.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.apps import apps
from django.contrib import admin
from django.db import models
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator

from tests.support import catalog

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
CODE = [ROOT / name for name in ("accounts", "billing", "common", "emails", "myproject", "operations", "settings")]
APPS = ("accounts", "billing", "emails", "operations")
FIRST_WORDS = 30  # the number of characters by which a text is found in the code


@dataclass(frozen=True)
class Text:
    """One text that a person reads, and the file and line, or the Python object, that contains it."""

    where: str
    text: str


# Rules

MAIL = r"\be-mails?\b|(?<![\w./@-])mails?\b(?![\w/@-]|\.\w| servers?\b)"  # "mail server" is the standard term
RULES = {
    "rhetorical question": r"\bIt was(?: not|n't)? you\?|\?\s+Then\b",
    "shall": r"\bshall\b",
    "in vain": r"\bin vain\b",
    "whoever": r"\bwhom?(?:so)?ever\b",
    "of which, by whom": r"\b(?:by|of|with) (?:which|whom)\b",
    "is none": r"\b(?:is|are|was|were) none\b",
    # "There is no …" is idiomatic, and so is "is no longer".
    "is no …": r"(?<!\bthere )\b(?:is|are|was|were) no\b(?! longer\b)",
    "those of": r"\bthose (?:of|that|which|whose|in)\b",
    "tells, told": r"\b(?:tells?|told|telling)\b",
    "mails": MAIL,
    "sign in, sign out": r"\bsign(?:s|ed|ing)?[ -](?:in|out)\b|\blog-(?:in|out|on)s?\b",
    # "Stripe tries again" is a verb; the noun is "attempt".
    "tries": r"\btries\b(?! (?:again|to|it)\b)|\b(?:a|the|each|every|another|last|next|first|this|one) try\b",
    "at once": r"\bat once\b",
    "hence": r"\bhence\b|\bhereby\b|\bthereby\b",
    "becomes void": r"\bvoid\b",
    "where, for if": r"\bwhere (?:there|it|nobody|that) (?:is|are|was|were)\b",
}
# Only customers need contractions: a check or a log line may spell a negation out.
CUSTOMER_RULES = RULES | {
    "no contraction": r"\b(?:cannot|(?:do|does|did|is|are|was|were|has|have|had|will|would|could|should|can) not)\b",
}
# Once a text has said which address it means, "address" alone is unambiguous.
ADDRESS = re.compile(r"\baddress(?:es)?\b", re.IGNORECASE)
KIND_OF_ADDRESS = re.compile(r"e-?mail|\bIP\b|\bweb\b|\bURL\b|\bDNS\b|@|\burl\b", re.IGNORECASE)


def faults(text: str, rules: dict[str, str] = RULES) -> list[str]:
    """Return the names of the rules that a text breaks."""
    found = [name for name, pattern in rules.items() if re.search(pattern, text, re.IGNORECASE)]
    if ADDRESS.search(text) and not KIND_OF_ADDRESS.search(text):
        found.append("bare address")
    return found


def findings(texts: Iterable[Text], rules: dict[str, str] = RULES) -> list[str]:
    return [f"{located(text)}: {name}: {text.text!r}" for text in texts for name in faults(text.text, rules)]


def located(text: Text) -> str:
    """Return the file and line of a text. If only its Python object is known, search the code for its first words."""
    if re.search(r":\d+$", text.where):
        return text.where
    for path in modules():
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            if text.text[:FIRST_WORDS] in line:
                return f"{path.relative_to(ROOT)}:{number} ({text.where})"
    return text.where


# Where the texts come from

VARIABLE, TEMPLATE_TAG, HTML_TAG = (
    re.compile(pattern, re.DOTALL) for pattern in (r"\{\{.*?\}\}", r"\{%.*?%\}", r"<[^<>]*>")
)
COMMENT = re.compile(
    r"\{% comment %\}.*?\{% endcomment %\}|\{#.*?#\}|<style>.*?</style>|<script.*?</script>", re.DOTALL
)
TRANSLATED = re.compile(r"""\{% (?:translate|firstof)[^%]*?"([^"]*)"|_\("([^"]*)"\)""")
ATTRIBUTE = re.compile(r"""\b(?:aria-label|title|alt|placeholder)="([^"]*)\"""")
SENTENCES = re.compile(r"[^\n]*[A-Za-z]{2}[^\n]*(?:\n(?!\s*\n)[^\n]*[A-Za-z]{2}[^\n]*)*")


def in_templates() -> Iterator[Text]:
    """Yield each block of text, with an ellipsis in place of each variable."""
    for path in sorted((ROOT / "templates").rglob("*.*")):
        if path.suffix in (".html", ".txt"):
            yield from in_template(path, path.read_text("utf-8"))


def in_template(path: Path, source: str) -> Iterator[Text]:
    source = COMMENT.sub(emptied, source)
    for pattern in (TRANSLATED, ATTRIBUTE):
        for match in pattern.finditer(source):
            yield Text(place(path, source, match.start()), next(filter(None, match.groups()), ""))
    plain = HTML_TAG.sub(emptied, TEMPLATE_TAG.sub(emptied, VARIABLE.sub("…", source)))
    for match in SENTENCES.finditer(plain):
        yield Text(place(path, plain, match.start()), " ".join(match[0].split()))


def emptied(match: re.Match[str]) -> str:
    """Return only the line breaks of the match, so that line numbers stay correct."""
    return " " + "\n" * match[0].count("\n")


def place(path: Path, source: str, offset: int) -> str:
    return f"{path.relative_to(ROOT)}:{source.count(chr(10), 0, offset) + 1}"


def in_catalog() -> Iterator[Text]:
    path = catalog.PO.relative_to(ROOT)
    for message in catalog.stored():
        for text in as_texts(message.id):
            yield Text(f"{path}:{message.lineno}", text)


def as_texts(given: str | Iterable[str] | None) -> list[str]:
    """Return one text, or its singular and plural. The header of the catalog is empty and has no text."""
    return [given] if given and isinstance(given, str) else [*(given or ())]


def in_code() -> Iterator[Text]:
    """Yield every string literal with a space, except docstrings, regular expressions, SQL, and log lines."""
    for path in modules():
        yield from in_module(path)


def modules() -> Iterator[Path]:
    for folder in CODE:
        for path in sorted(folder.rglob("*.py")):
            if not {"tests", "migrations"} & {*path.relative_to(ROOT).parts}:
                yield path


def in_module(path: Path) -> Iterator[Text]:
    tree = ast.parse(path.read_text("utf-8"))
    skipped = {id(inner) for node in ast.walk(tree) if is_for_machines(node) for inner in ast.walk(node)}
    skipped |= {id(key) for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(inner) for inner in ast.walk(node)}
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if re.search(r"[a-z]{2} |[a-z], ", text) and not re.search(r"SELECT|UPDATE |INSERT ", text):
            yield Text(f"{path.relative_to(ROOT)}:{node.lineno}", text)


def is_for_machines(node: ast.AST) -> bool:
    """Return whether the node is a docstring, a log line, a pattern, or a comparison with a provider's text."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Compare):
        return True
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    return isinstance(node.func.value, ast.Name) and node.func.value.id in ("logger", "re")


def in_models() -> Iterator[Text]:
    for model in (model for name in APPS for model in apps.get_app_config(name).get_models()):
        where = f"{model.__module__}.{model.__name__}"
        yield Text(where, f"{model._meta.verbose_name}; {model._meta.verbose_name_plural}")
        for field in model._meta.get_fields():
            if isinstance(field, models.Field):
                yield from (Text(f"{where}.{field.name}", text) for text in texts_of_field(field))


def texts_of_field(field: Any) -> Iterator[str]:
    """Yield the label, help text, choices, and errors of a model's or a form's field, except Django's own errors."""
    yield from (str(getattr(field, name, "") or "") for name in ("verbose_name", "label", "help_text"))
    yield from (str(label) for _, label in getattr(field, "choices", None) or ())
    djangos_own = {
        str(text) for kind in type(field).__mro__ for text in getattr(kind, "default_error_messages", {}).values()
    }
    yield from {str(text) for text in field.error_messages.values()} - djangos_own


def in_forms() -> Iterator[Text]:
    get_resolver().url_patterns  # noqa: B018  # imports every page, and with it its forms
    for form in subclasses(forms.Form):
        if form.__module__.startswith(APPS):
            for name, field in form.base_fields.items():
                yield from (Text(f"{form.__module__}.{form.__name__}.{name}", text) for text in texts_of_field(field))


def subclasses(of: Any) -> Iterator[Any]:
    for found in of.__subclasses__():
        yield from (found, *subclasses(found))


def in_admin() -> Iterator[Text]:
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label in APPS:
            where = f"{type(model_admin).__module__}.{type(model_admin).__name__}"
            yield Text(where, str(model_admin.search_help_text or ""))
            for member in map(type(model_admin).__dict__.get, type(model_admin).__dict__):
                yield Text(where, str(getattr(member, "short_description", "")))


def in_schema() -> Iterator[Text]:
    yield from described("schema", SchemaGenerator().get_schema(request=None, public=True))


def described(where: str, part: Any) -> Iterator[Text]:
    """Yield the summaries, descriptions, and details in a part of the OpenAPI schema."""
    if isinstance(part, dict):
        for name, value in part.items():
            if isinstance(value, str):
                yield Text(f"{where}.{name}", value if name in ("summary", "description", "detail") else "")
            else:
                yield from described(f"{where}.{name}", value)
    elif isinstance(part, list):
        for value in part:
            yield from described(where, value)


# The tests

SOURCES = {
    "templates": in_templates,
    "code": in_code,
    "models": in_models,
    "forms": in_forms,
    "admin": in_admin,
    "schema": in_schema,
}


@pytest.mark.parametrize("source", SOURCES)
def test_texts_are_plain_english(source):
    texts = [text for text in SOURCES[source]() if text.text]
    assert len(texts) > 10, "nothing was collected"
    assert findings(texts) == []


def test_customer_texts_are_plain_english():
    assert findings(in_catalog(), CUSTOMER_RULES) == []


def test_names_of_beat_entries_are_plain_english(settings):
    assert findings(Text("CELERY_BEAT_SCHEDULE", name) for name in settings.CELERY_BEAT_SCHEDULE) == []


BAD = [
    ("It was not you? Then there is nothing to do.", "rhetorical question"),
    ("You did not sign up? Then ignore this email.", "rhetorical question"),
    ("Enter the name by which we shall greet you.", "shall"),
    ("how often it was tried in vain", "in vain"),
    ("whoever it was did not learn it", "whoever"),
    ("deleted, by whomever", "whoever"),
    ("lets a link by which it is undone", "of which, by whom"),
    ("an event of which nothing was heard", "of which, by whom"),
    ("chunks that are none", "is none"),
    ("'x' is no kind of email", "is no …"),
    ("There are plans that are no lists", "is no …"),
    ("those that nothing here handles", "those of"),
    ("The old one is told.", "tells, told"),
    ("Stripe tells of it.", "tells, told"),
    ("Last mails to you", "mails"),
    ("A mail is on its way.", "mails"),
    ("Send an e-mail.", "mails"),
    ("Sign in again.", "sign in, sign out"),
    ("Back to the log-in", "sign in, sign out"),
    ("Too many tries", "tries"),
    ("the last try that failed", "tries"),
    ("They are deleted at once.", "at once"),
    ("Hence there is no email.", "hence"),
    ("The password becomes void.", "becomes void"),
    ("None where it is not JSON", "where, for if"),
    ("The payment intent where there is none", "is none"),
    ("Confirm your address", "bare address"),
]
GOOD = [
    "There is no such operation.",
    "It is no longer queued.",
    "There's no plan yet.",
    "Stripe tries again tomorrow.",
    "Rejected by your mail server",
    "Call send_mail() or set EMAIL_URL.",
    "Log in, log out, or sign up.",
    "Confirm your email address. The address can be changed later.",
    "Is it your IP address?",
    "`status` is `none`",
]


@pytest.mark.parametrize(("text", "rule"), BAD)
def test_bad_text_is_found(text, rule):
    assert rule in faults(text)


@pytest.mark.parametrize("text", GOOD)
def test_good_text_passes(text):
    assert faults(text) == []


def test_every_rule_has_an_example():
    assert {rule for _, rule in BAD} >= RULES.keys() | {"bare address"}


def test_customer_text_without_contraction_is_found():
    assert faults("The link does not work.", CUSTOMER_RULES) == ["no contraction"]


def test_finding_names_file_and_line(tmp_path):
    page = '<p>\n{% translate "Too many tries" %}\n</p>\n<p title="A mail">{{ name }} shall\nstay.</p>'
    found = findings(in_template(ROOT / "templates" / "x.html", page))
    assert [line.rsplit(": ", 1)[0] for line in found] == [
        "templates/x.html:2: tries",
        "templates/x.html:4: mails",
        "templates/x.html:4: shall",
    ]


def test_text_of_a_python_object_is_found_in_the_code():
    help_text = Text("accounts.models.User.is_staff", "May log in to the admin.")
    assert re.match(r"accounts/\S+\.py:\d+ \(accounts\.models\.User\.is_staff\)$", located(help_text))


def test_literals_are_found_in_code_but_not_docstrings_or_logs(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    module = tmp_path / "module.py"
    module.write_text('"""It shall be so."""\nlogger.info("It shall be so.")\nx = f"It {x} shall be so."\n', "utf-8")
    assert [*in_module(module)] == [Text("module.py:3", "It … shall be so.")]


# The first sentence after the salutation

SALUTATION = {"en": r"Hello[^\n]*,\n\n(\w+)", "de": r"Guten Tag[^\n]*,\n\n(\w+)"}
SALUTATION_HTML = {language: pattern.replace(r"\n\n", r"</p>\s*<p[^>]*>") for language, pattern in SALUTATION.items()}
# German continues in lower case after the comma, except for nouns and polite pronouns. This check doesn't know nouns,
# so a text must not start with a noun without its article.
POLITE = re.compile(r"Sie|Ihnen|Ihr(?:e[mnrs]?)?")


def first_words(language: str) -> dict[str, str]:
    """Return the first word after the salutation of each golden file, by the name of the file."""
    found: dict[str, str] = {}
    for suffix, patterns in ((".txt", SALUTATION), (".html", SALUTATION_HTML)):
        for path in sorted(GOLDEN.glob(f"*.{language}{suffix}")):
            match = re.search(patterns[language], path.read_text("utf-8"))
            found[path.name] = match[1] if match else ""
    assert found
    return found


def test_english_starts_with_a_capital_after_the_salutation():
    assert [name for name, word in first_words("en").items() if not word[:1].isupper()] == []


def test_german_continues_in_lower_case_after_the_salutation():
    # Staff write their message in the language they choose; the sample has one text for all.
    words = {name: word for name, word in first_words("de").items() if not name.startswith("staff_message.")}
    assert [name for name, word in words.items() if not (word[:1].islower() or POLITE.fullmatch(word))] == []


# German

GERMAN_RULES = {
    "familiar form": r"\b(?:du|dir|dich|dein\w*|euch|euer\w*)\b",
    "spelling of E-Mail": r"(?<!-)\bEmails?\b|(?<!E-)\bMails?\b(?!-)",
    "straight quotes": r'(?<![=\w])"[^"<>]+"(?![>\w])',
    "hyphen for a dash": r"\s-\s",
    "English term": r"\b(?:Log-?in|Log-?out|einloggen|ausloggen|Account|canceln)\b",
}


def german() -> Iterator[Text]:
    path = catalog.PO.relative_to(ROOT)
    for message in catalog.stored():
        if message.id:
            yield from (Text(f"{path}:{message.lineno}", text) for text in as_texts(message.string))


def german_faults(text: str) -> list[str]:
    return [name for name, pattern in GERMAN_RULES.items() if re.search(pattern, text)]


def test_german_texts_follow_the_rules():
    assert [f"{text.where}: {name}: {text.text}" for text in german() for name in german_faults(text.text)] == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Hast du dein Passwort vergessen?", "familiar form"),
        ("Eine Email ist unterwegs.", "spelling of E-Mail"),
        ('Ihr Abo "Pro" endete.', "straight quotes"),
        ("Pro - ein Tarif", "hyphen for a dash"),
        ("Bitte einloggen", "English term"),
    ],
)
def test_bad_german_text_is_found(text, rule):
    assert german_faults(text) == [rule]
