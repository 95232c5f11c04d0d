"""The lint: it finds each planted fault and nothing else, names its line, and finds nothing in our own kinds."""

import pytest
from django.core.management import CommandError, call_command

from emails import lint, samples
from emails.lint.email import rendered_with_marks
from emails.tests.support import faulty_kinds
from emails.tests.support.faulty_kinds import FAULTS
from emails.tests.support.fixtures_kinds import write_kind

__all__ = ["write_kind"]


def test_our_kinds_have_no_findings():
    assert [
        f"{kind} {language} {scenario}: {found}" for kind, language, scenario, found in lint.lint_everything()
    ] == []


def test_each_planted_fault_is_found_with_its_line_and_nothing_else(write_kind, tmp_path):
    folder = write_kind("invite").parent / "invite"
    faulty_kinds.write(folder)
    assert lint.lint_kind("invite") == []
    wrong = []
    for number, fault in enumerate(FAULTS):
        kind = f"invite{number}"
        line = faulty_kinds.write(folder.parent / kind, fault)
        found = {(one.rule, str(one.level), one.place.line) for one in lint.lint_kind(kind)}
        files = {one.place.file for one in lint.lint_kind(kind)} - {""}
        if found != {(fault.rule, fault.level, line)} or not files <= {f"templates/emails/{kind}/{fault.part}"}:
            wrong.append(f"{fault.name} (line {line}): {lint.lint_kind(kind)}")
    assert wrong == []
    assert len({fault.rule for fault in FAULTS}) >= 25


def test_faults_in_included_and_extended_templates_name_these_files(write_kind, tmp_path):
    folder = write_kind("invite", html='{% extends "emails/frame.html" %}\n{% block content %}\n<p>x</p>{% endblock %}')
    frame = faulty_kinds.BODY.replace(
        "<p>Questions?", '{% block content %}{% endblock %}\n<img src="x.png">\n<p>Questions?'
    )
    (folder.parent / "frame.html").write_text(frame)
    (folder / "sample.json").write_text(faulty_kinds.SAMPLE)
    (folder / "body.txt").write_text(faulty_kinds.TEXT)
    found = {(one.rule, str(one.place)) for one in lint.lint_kind("invite")}
    line = frame.count("\n", 0, frame.index('<img src="x.png">')) + 1
    assert found == {(rule, f"templates/emails/frame.html:{line}") for rule in ("img-alt", "img-size", "img-scheme")}


def test_every_scenario_and_language_is_checked(write_kind, settings):
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    folder = write_kind("invite")
    faulty_kinds.write(folder)
    scenarios = (
        '{"name": "Ada", "url": "https://app.example.com/join", "scenarios": {"plain": {}, "bad": {"url": "/join"}}}'
    )
    (folder / "sample.json").write_text(scenarios)
    found = {(language, scenario, one.rule) for _, language, scenario, one in lint.lint_everything()}
    assert found == {(language, "bad", rule) for language in ("en", "de") for rule in ("link-scheme", "text-part")}


def test_command_prints_findings_and_fails(write_kind, capsys):
    faulty_kinds.write(write_kind("good"))
    call_command("lint_emails")
    assert "No findings in 1 kinds." in capsys.readouterr().out
    faulty_kinds.write(write_kind("bad"), next(fault for fault in FAULTS if fault.rule == "img-alt"))
    with pytest.raises(CommandError, match=r"1 finding\."):
        call_command("lint_emails")
    assert "templates/emails/bad/body.html:31: error img-alt: " in capsys.readouterr().out
    with pytest.raises(CommandError, match=r"no kind 'nosuch'\. The kinds are: bad, good\."):
        call_command("lint_emails", "nosuch")


LINK = "https://app.test/reset?token=abc"
TRACKED = faulty_kinds.BODY.replace("{{ url }}", LINK)


def test_sent_message_is_checked_without_lines():
    text = faulty_kinds.TEXT + LINK
    found = lint.lint_message("An invitation", text, TRACKED, is_tracked=True)
    assert [(one.rule, str(one.place)) for one in found if one.rule == "secrets"] == [("secrets", "")]
    found = lint.lint_message("An invitation", text, TRACKED)
    assert "secrets" not in {one.rule for one in found}


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<",
        "<p",
        "<!--[if mso]",
        "<table><tr><td><table></td></tr>" * 200,
        "<div>" * 5_000 + "deep",
        "<style>@media { { } } p { color</style><p style='color:;:;background:url(;)'>x",
        "<a href='http://[::1'>x</a><a href='https://x:99999999/'>y</a><img src='http://[bad'>",
        "\x00\ufffe<p>\U000f0001 x</p>",
        "<p style='font-size:1e999px;color:rgb(a,b,c)'>x</p>",
        "<p>x</p>" * 5_000,
    ],
)
def test_any_html_can_be_checked(html):
    assert lint.lint_message("Hello", "Hello", html) is not None


def test_samples_render_the_same_with_marks():

    for kind in samples.folders():
        rendered, marked = (
            samples.render_sample(kind, "de"),
            rendered_with_marks(kind, samples.sample_context(kind), "de"),
        )
        assert (rendered.subject, rendered.html) == (marked.subject.text, marked.html)
