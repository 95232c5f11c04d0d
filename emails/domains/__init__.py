"""Is the sending domain set up, so that emails from it arrive? Its records in DNS, and what the provider says.

``check_domain()`` does everything for ``manage.py doctor --dns``: it asks the provider which records it expects, finds
them in DNS, and evaluates SPF, DKIM keys, DMARC, and MX records as receivers do. A check ends within its timeout, and
nothing here raises. dnspython is loaded only when a check runs.
"""

from emails.domains.checks import check_domain, check_providers, check_sending
from emails.domains.text import as_text

__all__ = ["as_text", "check_domain", "check_providers", "check_sending"]
