"""Free email providers. An email from such an address fails DMARC unless the provider itself sends it.

free_providers.txt lists their domains, one per line and sorted. Add a domain if its mailboxes are open to everyone.
"""

from pathlib import Path

DOMAINS = frozenset(Path(__file__).with_suffix(".txt").read_text("ascii").split())
