"""The sending domain, in DNS and at the provider. Only --dns asks, because name servers may take seconds."""

from collections.abc import Iterator

from django.conf import settings

from common.findings import Finding, Level
from common.redaction import redact
from emails.domains import check_domain


def findings() -> Iterator[Finding]:
    """Yield what ``emails.domains`` finds."""
    try:
        yield from check_domain(settings.DEFAULT_FROM_EMAIL)
    except Exception as failure:  # the other findings must be shown whatever is wrong with DNS
        problem = f"The domain can't be checked: {type(failure).__name__}: {redact(str(failure))}"
        yield Finding(
            "dns", Level.ERROR, settings.DEFAULT_FROM_EMAIL, problem, "Install requirements.txt, and try again."
        )
