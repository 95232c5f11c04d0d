"""The pages for people who don't know the product yet. Their texts are in templates/marketing/."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import select_template
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.hooks import NavigationLink, home_sections
from common.pages import page_view

HOME, TERMS, PRIVACY = "home", "terms", "privacy"
LEGAL_LINKS = {
    TERMS: NavigationLink("pages:terms", _("Terms")),
    PRIVACY: NavigationLink("pages:privacy", _("Privacy")),
}


@page_view(methods=["GET", "HEAD"])
def home(request: HttpRequest) -> HttpResponse:
    sections = [html for section in home_sections if (html := section(request))]
    return render(request, variants(HOME), {"sections": sections})


@page_view(methods=["GET", "HEAD"])
def terms(request: HttpRequest) -> HttpResponse:
    return legal_page(request, TERMS)


@page_view(methods=["GET", "HEAD"])
def privacy(request: HttpRequest) -> HttpResponse:
    return legal_page(request, PRIVACY)


def legal_page(request: HttpRequest, name: str) -> HttpResponse:
    if not exists(name):
        raise Http404
    return render(request, variants(name))


def variants(name: str, language: str | None = None) -> list[str]:
    """Return the templates of a page, the preferred one first: ``terms.de.html`` is for German, if it exists."""
    language = language or get_language() or settings.LANGUAGE_CODE
    return [f"marketing/{name}.{language}.html", f"marketing/{name}.html"]


def legal_links() -> list[NavigationLink]:
    """Return the links to the legal pages. A page whose template is deleted has none."""
    return [link for name, link in LEGAL_LINKS.items() if exists(name)]


def exists(name: str) -> bool:
    try:
        select_template(variants(name))
    except TemplateDoesNotExist:
        return False
    except TemplateSyntaxError:  # then the page itself fails, and not every page with a link to it
        return True
    return True
