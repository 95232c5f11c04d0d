"""How long it is kept where somebody logged in and which addresses they had."""

import logging
from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone
from knox.models import AuthToken

from accounts.models import EmailChange, Login, session_store

logger = logging.getLogger(__name__)

HISTORY_LIFE = timedelta(days=90)


def forget_old_history() -> int:
    """Remove sessions and tokens that have expired, and what is older than HISTORY_LIFE of that which is over; returns
    how many logins. May be repeated."""
    now = timezone.now()
    session_store().clear_expired()
    AuthToken.objects.filter(expiry__lt=now).delete()
    living = Exists(AuthToken.objects.filter(digest=OuterRef("token_digest")))
    old = Login.objects.filter(at__lt=now - HISTORY_LIFE).exclude(living)
    ended = [login.pk for login in old if not login.has_session()]
    Login.objects.filter(pk__in=ended).delete()
    EmailChange.objects.filter(at__lt=now - HISTORY_LIFE).delete()
    logger.info("Retention: %d logins removed.", len(ended))
    return len(ended)
