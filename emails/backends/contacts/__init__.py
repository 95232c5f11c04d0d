"""The contacts APIs of the providers: one client for each, which turns a change into calls.

A change is stored in neutral terms (emails/contacts.py), so it can wait while the provider changes. Some changes take
several calls. Each call is an attempt of its own, with its own place in the provider's rate limit, and what it found
out is stored with the change. So a worker that dies between two calls loses nothing.
"""

from emails.backends.contacts.client import ContactsClient
from emails.backends.contacts.resend import ResendContacts
from emails.backends.contacts.sendgrid import SendGridContacts
from emails.backends.contacts.sequenzy import SequenzyContacts

__all__ = ["CONTACTS", "ContactsClient", "email_provider_of"]

# By the provider of emails.
CONTACTS: dict[str, type[ContactsClient]] = {
    client.provider: client for client in (SequenzyContacts, ResendContacts, SendGridContacts)
}


def email_provider_of(name: str) -> str:
    """Return the provider of emails, such as "resend", for the name of its contacts, such as "resend_contacts"."""
    return next((client.provider for client in CONTACTS.values() if client.name == name), name)
