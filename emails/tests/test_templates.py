"""Every kind of email renders with its sample, and text from users can't escape its place."""

import json
import re
from html.parser import HTMLParser

import pytest
from django.conf import settings as project
from django.core import mail
from django.core.mail import BadHeaderError

from emails import samples
from emails.rendering import RenderedEmail, render_email
from emails.services import send_templated_email
from emails.tests.support.fixtures_kinds import write_kind

__all__ = ["write_kind"]

ABSOLUTE = re.compile(r"(https?://|mailto:|cid:)\S+")
USER_TEXTS = [
    "<script>alert(1)</script>",
    "{{ brand.name }}{% now 'Y' %}",
    'O\'Brien & Söhne "Ltd"',
    "Zoë 🎉",
    "שָׁלוֹם עולם",
    "\u202egnp.exe",
]


class Page(HTMLParser):
    """The links, elements, and words of an HTML body."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.elements: set[str] = set()
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.links += [value or "" for name, value in attributes if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.words += data


def problems(rendered: RenderedEmail) -> list[str]:
    page = Page(rendered.html)
    parts = {"subject": rendered.subject, "text": rendered.text, "html": page.words}
    found = [f"the {name} is empty" for name, words in parts.items() if not words.strip()]
    links = [*page.links, *re.findall(r"\S+://\S+", rendered.text)]
    found += [f"the link {link!r} is not absolute" for link in links if not ABSOLUTE.fullmatch(link)]
    found += [f"it holds <{element}>" for element in ("script", "form", "iframe") if element in page.elements]
    return found


@pytest.mark.parametrize("language", [code for code, _ in project.LANGUAGES])
@pytest.mark.parametrize("kind", list(samples.folders()))
def test_every_kind_renders_with_its_sample(kind, language):
    assert problems(samples.render_sample(kind, language)) == []


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ('<a href="/dashboard">x</a>', "the link '/dashboard' is not absolute"),
        ("<script>x</script>", "it holds <script>"),
        ("", "the html is empty"),
    ],
)
def test_template_problems_are_found(write_kind, html, problem):
    write_kind("welcome", html=html)
    assert problem in problems(samples.render_sample("welcome"))


def contexts_with(text: str) -> list[tuple[str, dict[str, object]]]:
    """Every kind with each text of its sample except links replaced in turn, since any of them may come from a user."""
    return [
        (kind, {**context, name: text})
        for kind in samples.folders()
        if (context := samples.sample_context(kind))
        for name, value in context.items()
        if isinstance(value, str) and not ABSOLUTE.fullmatch(str(value))
    ]


@pytest.mark.parametrize("text", USER_TEXTS)
def test_user_text_stays_text_in_every_kind(text):
    for kind, context in contexts_with(text):
        rendered = render_email(kind, context)
        assert "script" not in Page(rendered.html).elements
        for part in (rendered.text, rendered.subject, Page(rendered.html).words):
            assert "&lt;" not in part
            assert "&amp;" not in part
            assert "&#" not in part


@pytest.mark.parametrize("text", USER_TEXTS)
def test_user_text_is_literal_in_text_and_escaped_in_html(write_kind, text):
    write_kind("welcome")
    rendered = render_email("welcome", {"name": text})
    assert rendered.subject == f"Hi {text}"
    assert rendered.text == f"Hi {text}\n"
    page = Page(rendered.html)
    assert page.words.strip() == f"Hi {text}"
    assert page.elements == {"html", "head", "body", "p"}


@pytest.mark.parametrize(
    "name", ["Ada\r\nBcc: eve@example.com", "Ada\nSubject: x", "Ada\x0bX", "Ada\u2028X", "Ada\x85X"]
)
def test_subject_is_one_line(write_kind, name):
    write_kind("welcome")
    subject = render_email("welcome", {"name": name}).subject
    assert len(subject.splitlines()) == 1


def test_name_cannot_inject_header(write_kind):
    write_kind("welcome")
    send_templated_email(kind="welcome", to="ada@example.com", context={"name": "A\r\nBcc: eve@example.com"})
    (message,) = mail.outbox
    assert message.message()["Bcc"] is None
    assert message.recipients() == ["ada@example.com"]


@pytest.mark.parametrize("to", ["ada@example.com\r\nBcc: eve@example.com", "ada@example.com\nX: y"])
def test_address_cannot_inject_header(write_kind, settings, to, db):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    write_kind("welcome")
    with pytest.raises(BadHeaderError):
        send_templated_email(kind="welcome", to=to, context=json.loads('{"name": "Ada"}'))
