"""Retention of logins, of former email addresses, and of accounts that were never confirmed."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from knox.models import AuthToken

from accounts.hooks import export_sources
from accounts.models import EmailChange, EmailQuota, Login, User, session_model, session_store, stored_sessions
from accounts.services.deletion import erase, refusal_to_delete
from accounts.tokens import EMAIL_UNDO_LIFE, EMAIL_VERIFICATION_LIFE
from common.batches import delete_in_batches, keys_in_batches
from emails import privacy

logger = logging.getLogger(__name__)

HISTORY_LIFE = timedelta(days=90)
BATCH_SIZE = 500


def forget_old_history() -> int:
    """Delete expired sessions and tokens, and history older than HISTORY_LIFE; returns the number of deleted logins."""
    now = timezone.now()
    delete_expired_sessions(now)
    # Knox deletes expired tokens only when their user sends a request.
    delete_in_batches(AuthToken.objects.filter(expiry__lt=now), "pk")
    ended = delete_ended_logins(now - HISTORY_LIFE)
    delete_in_batches(EmailQuota.objects.filter(updated_at__lt=now - EmailQuota.PERIOD), "updated_at")
    # As long as a change can be undone, its old address is needed.
    delete_in_batches(EmailChange.objects.filter(at__lt=now - max(HISTORY_LIFE, EMAIL_UNDO_LIFE)), "at")
    logger.info("Deleted %d ended logins from more than %d days ago.", ended, HISTORY_LIFE.days)
    return ended


def delete_expired_sessions(now: datetime) -> None:
    # Django never deletes expired sessions on its own, and its method deletes all of them in one statement.
    if model := session_model():
        delete_in_batches(model.objects.filter(expire_date__lt=now), "expire_date")
    else:
        session_store().clear_expired()


def delete_ended_logins(before: datetime) -> int:
    """Delete the logins from before that time whose token or session no longer exists; returns how many."""
    has_token = Exists(AuthToken.objects.filter(digest=OuterRef("token_digest")))
    deleted = 0
    for keys in keys_in_batches(Login.objects.filter(at__lt=before).exclude(has_token), "at", BATCH_SIZE):
        sessions = dict(Login.objects.filter(pk__in=keys).values_list("pk", "session_key"))
        # SESSION_ENGINE may store sessions outside the database, so a join can't find them.
        active = stored_sessions([session for session in sessions.values() if session])
        ended = [key for key, session in sessions.items() if session not in active]
        Login.objects.filter(pk__in=ended).delete()
        deleted += len(ended)
    return deleted


def delete_unconfirmed_accounts() -> int:
    """Delete accounts that nobody confirmed within ACCOUNTS_UNCONFIRMED_DAYS; returns how many. Safe to repeat.

    Most were created by mistyping an email address, or by strangers with the address of somebody else.
    """
    deleted = 0
    # Accounts that were used stay. Without this condition, each run would look at all of them again.
    unused = _unconfirmed().filter(logins=None, email_changes=None)
    for keys in keys_in_batches(unused, "date_joined", BATCH_SIZE):
        deleted += sum(map(_delete_if_unconfirmed, keys))
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
