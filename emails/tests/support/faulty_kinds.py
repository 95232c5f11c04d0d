"""A kind of email without faults, and the faults that the tests of the lint plant in it, one at a time."""

from dataclasses import dataclass
from pathlib import Path

BODY = """\
<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{{ subject }}</title>
<style>
td, p, h1 { font-family: Arial, sans-serif; font-size: 16px; line-height: 24px; color: #1f2430; }
a { color: #2456d6; }
.preheader { display: none; max-height: 0; overflow: hidden; mso-hide: all; }
.button { border-radius: 6px; background-color: #2456d6; mso-padding-alt: 12px 24px; }
.button a { color: #ffffff; }
</style>
<style>
@media (prefers-color-scheme: dark) {
.card { background-color: #1b1f29 !important; }
td, p, h1 { color: #e6e8ee !important; }
.card a { color: #8fb0ff !important; }
.button a { color: #ffffff !important; }
}
</style>
</head>
<body>
<div class="preheader">What the reader sees behind the subject.</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>
<td class="card" bgcolor="#ffffff" style="background-color: #ffffff; padding: 24px">
<!--[if mso]><p>Outlook</p><![endif]-->
<h1>An invitation</h1>
<p>Hello {{ name }}, you are invited to join the team. Please answer until Friday.</p>
<img src="https://acme.test/logo.png" alt="Acme" width="120" height="40">
<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr>
<td class="button" bgcolor="#2456d6"><a href="{{ url }}">Join the team</a></td>
</tr></table>
<p>Questions? <a href="mailto:hello@acme.test">Write to us</a>.</p>
</td></tr></table>
</body>
</html>
"""
TEXT = """\
Hello {{ name }}, you are invited to join the team. Please answer until Friday.

Join the team: {{ url }}

Questions? Write to hello@acme.test.
"""
SUBJECT = "An invitation for {{ name }}"
SAMPLE = '{"name": "Ada", "url": "https://app.example.com/join"}'
PREHEADER = "What the reader sees behind the subject."
LONG = "Please answer until Friday. "


@dataclass(frozen=True)
class Fault:
    """One change to a file of the kind. ``new`` replaces ``old``, and the lint must name its line."""

    rule: str
    old: str
    new: str
    part: str = "body.html"
    level: str = "error"
    line_of: str = ""  # the text whose line the lint names, if it isn't that of ``new``

    @property
    def name(self) -> str:
        return f"{self.rule}: {self.new[:40]}"


def warning(rule: str, old: str, new: str, **fields: str) -> Fault:
    return Fault(rule, old, new, level="warning", **fields)


P = "<p>Questions?"
FAULTS = [
    warning("size-clip", P, f"<!-- {'x' * 79_000} --><p>Questions?", line_of="<!doctype"),
    Fault("size-clip", P, f"<!-- {'x' * 98_000} --><p>Questions?", line_of="<!doctype"),
    warning(
        "style-size",
        "@media (pre",
        f"@media print {{ p {{ color: red; }} {'q { color: red; }' * 750} }}\n@media (pre",
        line_of="<style>\ntd",
    ),
    warning("link-count", P, "<p>" + '<a href="https://a.test/">Story</a> ' * 60 + "</p>\n<p>Questions?"),
    Fault("doctype", "<!doctype html>\n", "", line_of="<html"),
    Fault("charset", '<meta charset="utf-8">\n', "", line_of="<html"),
    Fault("html-lang", '<html lang="en" dir="ltr">', '<html dir="ltr">'),
    Fault("html-lang", '<html lang="en" dir="ltr">', '<html lang="en">'),
    Fault("html-title", "<title>{{ subject }}</title>", "<title></title>", line_of="<html"),
    warning("color-scheme", '<meta name="color-scheme" content="light dark">\n', "", line_of="<html"),
    warning("headings", "<h1>An invitation</h1>", "<p>An invitation</p>", line_of="<html"),
    warning("headings", "<h1>An invitation</h1>", "<h1>An invitation</h1>\n<h3>News</h3>", line_of="<h3>"),
    Fault("table-role", '<table role="presentation" cellpadding', "<table cellpadding"),
    Fault(
        "table-role",
        'cellpadding="0" cellspacing="0" border="0"><tr>\n<td class="button"',
        'cellpadding="0" border="0"><tr>\n<td class="button"',
        line_of='<table role="presentation" cellpadding="0" bo',
    ),
    Fault("table-role", P, "<table><tr><th>Total</th><td>$5</td></tr></table>\n<p>Questions?"),
    Fault("script-form", P, "<form></form>\n<p>Questions?"),
    Fault("script-form", "<h1>", '<h1 onclick="x()">'),
    Fault("script-form", P, "<script>x()</script>\n<p>Questions?"),
    warning("html-unsupported", P, "<section>News</section>\n<p>Questions?"),
    warning("ids", "<h1>", '<p id="a">One</p><p id="a">Two</p>\n<h1>', line_of='<p id="a">'),
    Fault("vml-balance", "</body>", "<!--[if mso]><p>Outlook</p></body>"),
    Fault("vml-balance", "<p>Outlook</p>", '<a href="https://a.test/">Only here</a>'),
    Fault("style-place", "<h1>", "<style>@media print { p { color: red; } }</style>\n<h1>", line_of="<style>@media"),
    Fault("style-place", "td, p, h1 { font", '@import "https://a.test/x.css";\ntd, p, h1 { font', line_of="@import"),
    Fault("style-place", "<style>\ntd", '<link rel="stylesheet" href="https://a.test/x.css">\n<style>\ntd'),
    warning("css-unsupported", "<h1>", '<h1 style="background-image: url(https://a.test/x.png)">'),
    warning("css-unsupported", "a { color", "h1 { font-size: 1.5rem; }\na { color"),
    warning("css-unsupported", "a { color", "h1 { width: calc(100% - 4px); }\na { color"),
    warning("css-unsupported", "a { color", '@font-face { font-family: "X"; src: url(https://a.test/x); }\na { color'),
    Fault("layout-flex-grid", "a { color", "h1 { display: flex; }\na { color"),
    Fault("layout-flex-grid", "<h1>", '<h1 style="position: absolute">'),
    Fault("css-modern-color", "<h1>", '<h1 style="border-top: 1px solid oklch(60% 0.2 20)">'),
    Fault("css-modern-color", "<h1>", '<h1 style="border-top: 1px solid rgb(1 2 3)">'),
    warning("css-important-form", "a { color", "h1 { text-align: left!important; }\na { color"),
    warning("td-padding", "<h1>", '<h1 style="padding: 8px">'),
    warning("bgcolor-twin", 'class="card" bgcolor="#ffffff"', 'class="card"'),
    Fault("contrast", "<h1>", '<h1 style="color: #bbbbbb">'),
    Fault(
        "contrast",
        ".button a { color: #ffffff !",
        "h1 { color: #444444 !important; }\n.button a { color: #ffffff !",
        line_of="<h1>",
    ),
    Fault("contrast", ".card a { color: #8fb0ff !important; }\n", "", line_of='<a href="mailto'),
    warning(
        "color-pair",
        P,
        '</td></tr></table><p>Alone</p><table role="presentation" cellpadding="0" '
        'cellspacing="0" border="0"><tr><td class="card" bgcolor="#ffffff" '
        'style="background-color: #ffffff">\n<p>Questions?',
        line_of="<p>Alone",
    ),
    warning("text-size", "<h1>", '<p style="font-size: 11px">Small print</p>\n<h1>'),
    Fault("img-alt", ' alt="Acme"', "", line_of="<img"),
    Fault(
        "img-alt",
        "<img src",
        '<a href="https://a.test/"><img src="https://a.test/x.png" width="9" alt=""></a>\n<img src',
        line_of='<img src="https://a.test',
    ),
    Fault("img-size", ' width="120" height="40"', "", line_of="<img"),
    warning("img-height", 'height="40"', 'height="2000"'),
    warning("tracking-pixel", 'width="120" height="40"', 'width="1" height="1"'),
    Fault("img-scheme", "https://acme.test/logo.png", "/logo.png"),
    Fault("img-scheme", "https://acme.test/logo.png", "data:image/png;base64,AAAA"),
    Fault("img-scheme", "https://acme.test/logo.png", "https://a.test/logo.svg"),
    Fault("link-scheme", 'href="mailto:hello@acme.test"', 'href="/help"'),
    Fault("link-scheme", 'href="mailto:hello@acme.test"', 'href="http://acme.test/help"'),
    Fault("link-scheme", 'href="mailto:hello@acme.test"', 'href="javascript:x()"'),
    Fault("link-scheme", 'href="mailto:hello@acme.test"', 'href="https://192.0.2.7/help"'),
    Fault("link-scheme", "Write to hello", "See http://acme.test/help or write to hello", part="body.txt"),
    Fault("link-empty", 'href="mailto:hello@acme.test"', 'href="#"'),
    Fault("link-text", ">Write to us</a>", "></a>"),
    warning("link-text", ">Write to us</a>", ">here</a>"),
    Fault(
        "link-mismatch", '<a href="mailto:hello@acme.test">Write to us', '<a href="https://evil.test/">www.acme.test'
    ),
    warning("preheader", f'<div class="preheader">{PREHEADER}</div>\n', "", line_of="<body"),
    warning("preheader", PREHEADER, LONG * 8),
    warning("preheader", PREHEADER, "An invitation for Ada"),
    Fault("hidden-text", P, '<p style="display: none">Cheap watches</p>\n<p>Questions?'),
    Fault("text-part", TEXT, "", part="body.txt", line_of="-"),
    Fault("text-part", TEXT, "{{ url }}", part="body.txt"),
    Fault("text-part", "Hello", "<p>Hello</p>", part="body.txt"),
    Fault("text-part", "Questions?", "See /help. Questions?", part="body.txt"),
    Fault("text-part", "{{ url }}", "our site", part="body.txt", line_of="Hello"),
    Fault("subject", SUBJECT, " ", part="subject.txt"),
    warning("subject", SUBJECT, LONG * 4, part="subject.txt"),
    warning("subject", SUBJECT, "JOIN US NOW", part="subject.txt"),
    Fault("subject", SUBJECT, "Re: your invitation", part="subject.txt"),
    Fault("placeholder", "Please answer", "Lorem ipsum. Please answer"),
    Fault("placeholder", "Please answer until Friday.", "Write to hello@example.com.", part="body.txt"),
    Fault("placeholder", "Please answer", "{% templatetag openvariable %} x. Please answer"),
    Fault("placeholder", "Hello {{ name }}", "Hello {{ nobody }}"),
    Fault("undefined-variable", "Please answer", "{% if team %}x{% endif %} Please answer"),
    Fault("undefined-variable", "Hello", "Hello {{ surname }}", part="body.txt"),
    Fault("template", "Please answer", "{% nonsense %} Please answer"),
    Fault("template", "Please answer", "{% include 'nowhere.html' %}"),
    Fault("sample", SAMPLE, '{"name": "Ada",\n "url"}', part="sample.json", line_of="-"),
]
SAMPLE_WITH_EMPTY_VALUE = '{"name": "Ada", "nobody": null, "url": "https://app.example.com/join"}'
PARTS = {"body.html": BODY, "body.txt": TEXT, "subject.txt": SUBJECT, "sample.json": SAMPLE}


def write(folder: Path, fault: Fault | None = None) -> int:
    """Write the kind with the fault, and return the number of the line that the lint must name."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = dict(PARTS)
    if fault is not None and "nobody" in fault.new:
        parts["sample.json"] = SAMPLE_WITH_EMPTY_VALUE
    if fault is not None:
        assert parts[fault.part].count(fault.old) >= 1, fault
        parts[fault.part] = parts[fault.part].replace(fault.old, fault.new, 1)
    for name, content in parts.items():
        (folder / name).write_text(content, "utf-8")
    if fault is None or fault.line_of == "-":
        return 0
    content = parts[fault.part]
    return content.count("\n", 0, content.index(fault.line_of or fault.new)) + 1
