"""The domains APIs of the providers: which domains they know, and which DNS records they expect."""

from emails.domains.providers.client import DomainsApiError, DomainsClient, find_domain
from emails.domains.providers.resend import ResendDomains
from emails.domains.providers.sendgrid import SendGridDomains
from emails.domains.providers.sequenzy import SequenzyDomains

__all__ = ["DOMAINS", "DomainsApiError", "DomainsClient", "find_domain"]

DOMAINS: dict[str, type[DomainsClient]] = {
    client.name: client for client in (SequenzyDomains, ResendDomains, SendGridDomains)
}
