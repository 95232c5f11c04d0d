"""The gallery: every kind of email with its samples, in every language, and what the lint finds."""

import hashlib
import json
import logging
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.utils.translation import get_language

from emails import kinds, lint, samples
from emails.backends import configured_provider
from emails.development.guard import development_only
from emails.development.inbox import ADDRESS_COOKIE
from emails.development.viewer import View, findings_label, frame, size_of, tab_choices
from emails.errors import BrokenTemplate, MissingVariable, UnknownKind
from emails.folders import roots
from emails.lint.checking import place_of
from emails.rendering import RenderedEmail

logger = logging.getLogger(__name__)

TABS = {
    "html": "HTML",
    "text": "Text",
    "source": "Source",
    "checks": "Checks",
    "sample": "Sample",
    "templates": "Templates",
}
PRIORITY_LABELS = {0: "waiting", 2: "bulk"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A kind with one of its samples, or the ``error`` that prevented rendering it."""

    kind: str
    scenario: str = ""
    scenarios: tuple[str, ...] = ()
    rendered: RenderedEmail | None = None
    error: str = ""
    findings: tuple[lint.Finding, ...] = field(default=())

    @property
    def badge(self) -> str:
        if self.error:
            return "error"
        return f"{len(self.findings)} finding{'s' * (len(self.findings) != 1)}" if self.findings else ""


@development_only()
def gallery(request: HttpRequest, kind: str = "") -> HttpResponse:
    language = chosen_language(request)
    if language is None:
        return HttpResponseBadRequest(f"LANGUAGES contains only {', '.join(dict(settings.LANGUAGES))}.")
    if kind and kind not in samples.folders():
        raise Http404(f"There is no kind {kind!r}. The kinds are: {', '.join(samples.folders())}.")
    view = View.of(request, TABS, language=language, scenario=request.GET.get("scenario", ""))
    context = {
        "page": "gallery",
        "language": language,
        "languages": view.choices_of("language", dict(settings.LANGUAGES), language),
        "kinds": [(name, view.url(f"/dev/emails/{name}/", scenario="")) for name in samples.folders()],
        "version": version(),
        "list_query": view.url(),
    }
    if not kind:
        context["entries"] = [entry_of(name, language) for name in samples.folders()]
        return render(request, "development/gallery.html", context)
    return render(request, "development/kind.html", {**context, **kind_context(request, kind, language, view)})


def kind_context(request: HttpRequest, kind: str, language: str, view: View) -> dict[str, Any]:
    entry = entry_of(kind, language, request.GET.get("scenario") or None)
    tabs = TABS | {"checks": findings_label([*entry.findings])}
    return {
        **view.context(),
        "entry": entry,
        "kind": kind,
        "properties": properties(kind),
        "tabs": tab_choices(view, tabs),
        "scenarios": view.choices_of("scenario", {name: name for name in entry.scenarios}, entry.scenario),
        "frame_url": f"/dev/emails/{kind}/html/",
        "size": size_of(entry.rendered.html) if entry.rendered else None,
        "findings": entry.findings,
        "files": template_files(kind) if view.tab == "templates" else [],
        "sample": sample_of(kind, entry.scenario) if view.tab == "sample" else "",
        "provider": configured_provider(),
        "send_to": request.COOKIES.get(ADDRESS_COOKIE, ""),
    }


@development_only()
def sample_html(request: HttpRequest, kind: str) -> HttpResponse:
    entry = entry_of(kind, chosen_language(request), request.GET.get("scenario") or None)
    if entry.rendered is None:
        raise Http404(entry.error)
    return frame(request, entry.rendered.html)


@development_only()
def live(request: HttpRequest) -> HttpResponse:
    """Return 304 until a template or a sample changes. The page then reloads itself."""
    now = version()
    response = HttpResponse(status=304 if request.headers.get("If-None-Match") == now else 200)
    response["ETag"] = now
    return response


def version() -> str:
    """Return a value that changes with every file under templates/emails/."""
    files = sorted(path for root in roots() for path in root.rglob("*") if path.is_file())
    times = [(str(path), path.stat().st_mtime_ns) for path in files]
    return f'"{hashlib.sha256(repr(times).encode()).hexdigest()[:32]}"'


def chosen_language(request: HttpRequest) -> str | None:
    """Return the language in ?language=, or else the active one. Returns None if LANGUAGES does not list it."""
    # An unknown language would silently render the sample in the default one.
    language = request.GET.get("language") or get_language() or settings.LANGUAGE_CODE
    return language if language in dict(settings.LANGUAGES) else None


def entry_of(kind: str, language: str | None, scenario: str | None = None) -> Entry:
    """Return the rendered sample, or why it can't be rendered. One broken kind must not hide the others."""
    scenarios: tuple[str, ...] = ()
    try:
        scenarios = tuple(samples.scenarios(kind))
        rendered = samples.render_sample(kind, language, scenario)
    except (samples.SampleError, BrokenTemplate, MissingVariable, UnknownKind) as error:
        return Entry(kind, scenario or "", scenarios, error=f"{kind} can't be rendered: {error}")
    except Exception as error:  # templates, tags, and filters can raise anything, and the author needs to see it
        logger.warning("The sample of %s cannot be rendered.", kind, exc_info=True)
        place = str(place_of(error, kind)).removesuffix(":0")
        problem = f"{kind} can't be rendered: {place}: {type(error).__name__}: {error}"
        return Entry(kind, scenario or "", scenarios, error=problem)
    findings = findings_of(kind, language, scenario, version())
    return Entry(kind, scenario or scenarios[0], scenarios, rendered, findings=findings)


@lru_cache(maxsize=512)
def findings_of(kind: str, language: str | None, scenario: str | None, _version: str) -> tuple[lint.Finding, ...]:
    """Return the findings for this state of the templates. Checking all kinds takes a second."""
    return tuple(lint.lint_kind(kind, language, scenario))


def properties(kind: str) -> list[str]:
    """Return what kind.json says, in words. Empty if the file is faulty, which a system check reports."""
    try:
        priority = PRIORITY_LABELS.get(kinds.priority_of(kind).value)
        return [*filter(None, ["requested" if kinds.is_requested(kind) else "", priority])]
    except ValueError:
        return []


def template_files(kind: str) -> list[tuple[str, str]]:
    """Return the path and the content of each file of the kind."""
    folder = samples.folders()[kind]
    return [
        (f"templates/emails/{kind}/{path.name}", text_of(path)) for path in sorted(folder.iterdir()) if path.is_file()
    ]


def text_of(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")


def sample_of(kind: str, scenario: str) -> str:
    """Return the variables of the scenario as JSON."""
    try:
        written = samples.written_scenarios(kind)
    except samples.SampleError as error:
        return str(error)
    return json.dumps(written.get(scenario, {}), ensure_ascii=False, indent=2)
