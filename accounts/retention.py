"""Retention of logins and of former email addresses."""

import logging
from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone
from knox.models import AuthToken

from accounts.models import EmailChange, EmailQuota, Login, session_store

logger = logging.getLogger(__name__)

HISTORY_LIFE = timedelta(days=90)


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
    EmailQuota.objects.filter(updated_at__lt=now - EmailQuota.PERIOD).delete()
    EmailChange.objects.filter(at__lt=now - HISTORY_LIFE).delete()
    logger.info("Deleted %d ended logins from more than %d days ago.", len(ended), HISTORY_LIFE.days)
    return len(ended)
