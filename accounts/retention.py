"""Retention of logins, of former email addresses, and of accounts that were never confirmed."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from knox.models import AuthToken

from accounts.hooks import export_sources
from accounts.models import EmailChange, Login, User, session_store
from accounts.services.deletion import erase, refusal_to_delete
from accounts.tokens import EMAIL_UNDO_LIFE, EMAIL_VERIFICATION_LIFE
from emails import privacy

logger = logging.getLogger(__name__)

HISTORY_LIFE = timedelta(days=90)
BATCH_SIZE = 500


def forget_old_history() -> int:
    """Delete expired sessions and tokens, and history older than HISTORY_LIFE; returns the number of deleted logins."""
    now = timezone.now()
    # Django never deletes expired sessions on its own, and Knox deletes expired tokens only when their user sends a
    # request.
    session_store().clear_expired()
    AuthToken.objects.filter(expiry__lt=now).delete()
    has_token = Exists(AuthToken.objects.filter(digest=OuterRef("token_digest")))
    old = Login.objects.filter(at__lt=now - HISTORY_LIFE).exclude(has_token)
    # Active logins are kept. SESSION_ENGINE may store sessions outside the database, so no query can find them.
    ended = [login.pk for login in old if not login.has_session()]
    Login.objects.filter(pk__in=ended).delete()
    # As long as a change can be undone, its old address is needed.
    EmailChange.objects.filter(at__lt=now - max(HISTORY_LIFE, EMAIL_UNDO_LIFE)).delete()
    logger.info("Deleted %d ended logins from more than %d days ago.", len(ended), HISTORY_LIFE.days)
    return len(ended)


def delete_unconfirmed_accounts() -> int:
    """Delete accounts that nobody confirmed within ACCOUNTS_UNCONFIRMED_DAYS; returns how many. Safe to repeat.

    Most were created by mistyping an email address, or by strangers with the address of somebody else.
    """
    deleted, last_key = 0, 0
    while keys := list(_unconfirmed().filter(pk__gt=last_key).order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE]):
        deleted += sum(map(_delete_if_unconfirmed, keys))
        last_key = keys[-1]
    logger.info("Deleted %d accounts that were not confirmed within %d days.", deleted, _days())
    return deleted


def _unconfirmed() -> QuerySet[User]:
    # Accounts that staff locked stay, so that nobody can sign up with the address again.
    return User.objects.filter(
        email_verified_at=None,
        last_login=None,
        is_active=True,
        is_staff=False,
        is_superuser=False,
        date_joined__lt=timezone.now() - timedelta(days=_days()),
    )


@transaction.atomic
def _delete_if_unconfirmed(key: int) -> bool:
    # The lock and the repeated conditions: the person may be confirming the address or logging in right now.
    user = _unconfirmed().select_for_update().filter(pk=key).first()
    if user is None or _is_in_use(user) or refusal_to_delete(user):
        return False
    erase(user)
    return True


def _is_in_use(user: User) -> bool:
    """Return whether the person still has a link that works, has logged in, or has data in another app."""
    since = timezone.now() - EMAIL_VERIFICATION_LIFE
    # Links that were requested later than the sign-up. Those emails have no idempotency key.
    has_link = privacy.emails_of(str(user.pk)).filter(idempotency_key=None, created_at__gt=since).exists()
    has_history = user.logins.exists() or user.email_changes.exists()
    return has_link or has_history or any(source(user) for source in export_sources.values())


def _days() -> int:
    return int(settings.ACCOUNTS_UNCONFIRMED_DAYS)
