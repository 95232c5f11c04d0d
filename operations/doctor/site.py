"""The settings of the site: where it is, who may call it, and what a proxy in front of it does."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings

from common.client_ip import seen_proxies
from operations.doctor.checks import Check, Trouble, error, serious, warning
from operations.doctor.hosts import is_local, is_reserved

LEAST_HSTS_SECONDS = 60 * 60


def host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


def app_url() -> Iterator[Trouble]:
    """Check the URL with which all links in emails begin."""
    if not settings.IS_PRODUCTION:
        return
    host = host_of(settings.APP_URL)
    if is_local(host):
        yield error(
            f"{settings.APP_URL} is this machine, so the links in emails work for nobody else.",
            "Set APP_URL to the public URL of the site, such as https://app.acme.com.",
        )
    elif settings.APP_URL.startswith("http://"):
        yield error(
            "It begins with http://, so passwords and links with tokens travel unencrypted.",
            f"Set APP_URL to https://{urlsplit(settings.APP_URL).netloc}.",
        )
    if is_reserved(host) and not is_local(host):
        yield warning(f"{host} is a name for documentation, which nobody can own.", "Set APP_URL to a name of yours.")


def allowed_hosts() -> Iterator[Trouble]:
    """Check that the links in emails lead to a host that this site serves."""
    host = host_of(settings.APP_URL).lower()
    served = [name.lower() for name in settings.ALLOWED_HOSTS]
    is_served = any(
        name == "*" or host == name.strip("[]") or (name.startswith(".") and f".{host}".endswith(name))
        for name in served
    )
    if settings.PAGES_ENABLED and not is_served:  # without pages, APP_URL is a front end elsewhere
        yield serious(
            f"It doesn't contain {host}, the host of APP_URL, so links in emails lead to an error 400.",
            f"Add {host} to ALLOWED_HOSTS, or correct APP_URL.",
        )
    if settings.IS_PRODUCTION and "*" in served:
        yield error("* accepts every Host header.", "List the host names that you serve.")


def origins(name: str) -> Iterator[Trouble]:
    """Check a list of other origins that browsers may send requests from."""
    if not settings.IS_PRODUCTION:
        return
    for origin in getattr(settings, name):
        host = host_of(origin.replace("//*.", "//"))
        if is_local(host):
            yield warning(
                f"{origin} is the machine of each visitor, where any program may serve it.", f"Remove it from {name}."
            )
        elif origin.startswith("http://"):
            secure = origin.replace("http://", "https://", 1)
            yield error(f"{origin} is unencrypted, so anyone on the way can use it.", f"Replace it with {secure}.")


def hsts() -> Iterator[Trouble]:
    if settings.IS_PRODUCTION and settings.SECURE_HSTS_SECONDS < LEAST_HSTS_SECONDS:
        yield warning(
            f"It is {settings.SECURE_HSTS_SECONDS}, so a visit may begin unencrypted.",
            "Raise SECURE_HSTS_SECONDS step by step; see docs/https.md.",
        )


def redirect() -> Iterator[Trouble]:
    if settings.IS_PRODUCTION and not settings.SECURE_SSL_REDIRECT and not settings.TRUSTED_PROXY_COUNT:
        yield warning(
            "Nothing redirects http:// to https://: there is no proxy, and SECURE_SSL_REDIRECT is false.",
            "Set SECURE_SSL_REDIRECT=true, or TRUSTED_PROXY_COUNT to the number of proxies in front.",
        )


def proxies() -> Iterator[Trouble]:
    """Compare TRUSTED_PROXY_COUNT with the headers that requests had."""
    seen = seen_proxies()
    if seen is None:
        return
    if not seen.trusted:
        problem = "Requests arrive with X-Forwarded-For, but it is 0, so all visitors may share one rate limit."
        fix = "Set TRUSTED_PROXY_COUNT to the number of proxies in front, usually 1. Without a proxy, ignore this."
        # Anybody can send the header, but a proxy is likely to have a private IP address.
        yield serious(problem, fix) if seen.is_from_private_ip else warning(problem, fix)
    else:
        yield serious(
            f"It is {seen.trusted}, but requests passed only {seen.entries} of them, so all visitors may share one "
            "rate limit.",
            f"Set TRUSTED_PROXY_COUNT to {seen.entries}, the number of proxies that add to X-Forwarded-For.",
        )


CHECKS = (
    Check("site.app_url", "APP_URL", app_url),
    Check("site.allowed_hosts", "ALLOWED_HOSTS", allowed_hosts),
    Check("site.cors", "CORS_ALLOWED_ORIGINS", lambda: origins("CORS_ALLOWED_ORIGINS")),
    Check("site.csrf", "CSRF_TRUSTED_ORIGINS", lambda: origins("CSRF_TRUSTED_ORIGINS")),
    Check("site.hsts", "SECURE_HSTS_SECONDS", hsts),
    Check("site.redirect", "SECURE_SSL_REDIRECT", redirect),
    Check("site.proxies", "TRUSTED_PROXY_COUNT", proxies),
)
