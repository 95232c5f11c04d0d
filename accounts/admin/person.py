"""The head of a person's page: what staff need to know first, each fact with a link to where it comes from."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from accounts.admin import states
from accounts.hooks import PersonFact, fact_sources
from accounts.models import User
from common.admin import to_the_second
from common.badges import State, Tone, badge
from common.db import database_now
from common.links import change_url
from emails.models import Suppression
from emails.support.states import suppression_state

ACTIVE = State("Active", Tone.GOOD)
FORMER_ADDRESSES = 20  # that are listed


def badges(user: User) -> SafeString:
    """Return the state of the account, and what it may do in the admin."""
    role = states.role(user)
    shown = [ACTIVE.badge if user.is_active else states.INACTIVE.badge, *([badge(role, Tone.WARNING)] if role else [])]
    return format_html_join(" ", "{}", ((one,) for one in shown))


def facts(user: User) -> list[PersonFact]:
    return [*facts_of_account(user), *(fact for source in fact_sources for fact in source(user))]


def facts_of_account(user: User) -> Iterator[PersonFact]:
    verified = (states.VERIFIED if user.is_email_verified else states.UNVERIFIED).badge
    yield PersonFact("Email address", user.email, emails_to(user.email), verified)
    for address in former_addresses(user):
        yield PersonFact("Former email address", address, emails_to(address))
    yield from facts_of_suppressions(user)
    devices = reverse("admin:accounts_user_devices", args=[user.pk])
    last_login = to_the_second(user.last_login) if user.last_login else "Never"
    yield PersonFact("Last login", last_login, devices)
    yield PersonFact("Signed up", to_the_second(user.date_joined))
    yield PersonFact("Language", user.language)


def facts_of_suppressions(user: User) -> Iterator[PersonFact]:
    suppressions, now = [*Suppression.objects.filter(address=user.email.lower())], database_now()
    if not suppressions:
        yield PersonFact("Suppression", badge=badge("Not suppressed", Tone.GOOD))
    for suppression in suppressions:
        state = suppression_state(suppression, now)
        yield PersonFact("Suppression", suppression.get_cause_display(), change_url(suppression), state.badge)


def former_addresses(user: User) -> list[str]:
    addresses = user.email_changes.values_list("old_address", "new_address")[:FORMER_ADDRESSES]
    found = dict.fromkeys(address for pair in addresses for address in pair)
    return [address for address in found if address != user.email]


def emails_to(address: str) -> str:
    """Return the link to all emails to the address, also to those from before the account existed."""
    return f"{reverse('admin:emails_outboundemail_changelist')}?{urlencode({'q': address})}"
