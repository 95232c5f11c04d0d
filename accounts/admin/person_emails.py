"""The emails in a person's timeline: the state of each, and, if it didn't arrive, the reason and what staff can do."""

from collections.abc import Iterator

from django.urls import reverse

from accounts.hooks import PageAction, PageLink, Stretch, TimelineEntry
from accounts.models import User
from common.db import database_now
from emails import privacy
from emails.models import OutboundEmail, Status
from emails.support.actions import offered_actions, which_may_have_arrived
from emails.support.explanations import explain
from emails.support.states import state_of

ON_TRACK = (Status.SENT, Status.DELIVERED)
MAY_OPERATE = "emails.change_outboundemail"


def email_entries(user: User, stretch: Stretch) -> Iterator[TimelineEntry]:
    emails, now = [*stretch.newest(privacy.emails_of(str(user.pk)), "created_at")], database_now()
    uncertain = which_may_have_arrived([email for email in emails if email.status not in ON_TRACK])
    for email in emails:
        is_on_track = email.status in ON_TRACK
        explanation = None if is_on_track else explain(email, now)
        yield TimelineEntry(
            at=email.created_at,
            what=email.subject or email.kind or "Email",
            detail=" ".join([explanation.sentence, explanation.advice]).strip() if explanation else "",
            url=reverse("admin:emails_outboundemail_change", args=[email.pk]),
            badge=state_of(email).badge,
            links=() if is_on_track else (*provider_link(explanation.provider if explanation else ""),),
            actions=() if is_on_track else (*actions_on(email, is_uncertain=email.pk in uncertain),),
        )


def provider_link(provider: str) -> Iterator[PageLink]:
    if provider:
        yield PageLink(f"State of {provider}", reverse("admin:emails_providerstate_change", args=[provider]))


def actions_on(email: OutboundEmail, *, is_uncertain: bool) -> Iterator[PageAction]:
    """Yield what would help now. A message without its body can't be sent again."""
    if email.is_body_deleted:
        return
    for name, action in offered_actions(email, is_uncertain=is_uncertain).items():
        yield PageAction(
            action.label, reverse("admin:emails_outboundemail_operate", args=[email.pk, name]), MAY_OPERATE
        )
