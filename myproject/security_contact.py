"""/.well-known/security.txt: where to report a vulnerability (RFC 9116)."""

from datetime import UTC, datetime, time, timedelta
from email.utils import parseaddr

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

LIFE = timedelta(days=180)  # RFC 9116 recommends less than a year
CACHED = timedelta(days=1)


@cache_control(public=True, max_age=int(CACHED.total_seconds()))
@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    contacts = settings.SECURITY_CONTACT or [f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}"]
    # Computed, because a fixed date would pass unnoticed. At midnight, so that the text changes once a day.
    expires = datetime.combine(datetime.now(UTC).date(), time(tzinfo=UTC)) + LIFE
    lines = [
        *(f"Contact: {contact}" for contact in contacts),
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        f"Canonical: {settings.APP_URL}/.well-known/security.txt",
        f"Preferred-Languages: {', '.join(code for code, _ in settings.LANGUAGES)}",
    ]
    return HttpResponse("".join(f"{line}\n" for line in lines), content_type="text/plain; charset=utf-8")
