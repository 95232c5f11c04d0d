"""The end of an undo link: the owner of the new email address makes a change of the address final.

The link in the old inbox wins over everything else for some days, because an attacker who made the change knows the
password. A person who is leaving a stolen inbox has the opposite problem: there, the attacker has the link. Nobody can
tell the two apart, so the link is protected for some time. During that time, an owner can undo an attacker's change.
After it, a person who proves both the password and the new inbox can end the link. docs/accounts.md has the details.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts import tokens
from accounts.errors import NothingToKeep, TokenInvalid, UndoProtected, WrongPassword
from accounts.mail import send_email_keep_email, send_email_kept_notice
from accounts.models import EmailChange, User


@dataclass(frozen=True, slots=True)
class OpenUndo:
    """The changes that the old addresses can still undo, newest first.

    They can do so until ``ends_at``. From ``protected_until`` on, the owner of the new address can end that.
    """

    changes: list[EmailChange]
    protected_until: datetime
    ends_at: datetime

    @property
    def is_protected(self) -> bool:
        return timezone.now() < self.protected_until

    @property
    def can_be_ended(self) -> bool:
        """Whether the protection ends before the links do."""
        return self.protected_until < self.ends_at


def open_undo(*, user: User) -> OpenUndo | None:
    """Return what can still be undone, or None if no undo link works."""
    since = timezone.now() - tokens.EMAIL_UNDO_LIFE
    changes = [*user.email_changes.filter(at__gt=since, undone_at=None, final_at=None)]
    if not changes:
        return None
    # Counted from the newest change: an attacker who adds a change must not benefit from the age of an earlier one.
    return OpenUndo(changes, protected_until(changes[0]), changes[0].at + tokens.EMAIL_UNDO_LIFE)


def protected_until(change: EmailChange) -> datetime:
    return change.at + timedelta(hours=settings.ACCOUNTS_UNDO_PROTECTED_HOURS)


def request_address_keeping(*, user: User, password: str) -> None:
    """Send a link that makes the changes of the email address final to the current address.

    Raises WrongPassword, NothingToKeep if no undo link works, or UndoProtected if it is too early.
    """
    if not user.has_password(password):
        raise WrongPassword
    undo = open_undo(user=user)
    if undo is None:
        raise NothingToKeep
    _refuse_while_protected(undo)
    with transaction.atomic():
        send_email_keep_email(user)


def keep_address(*, token: str, password: str) -> User:
    """Make the changes of the email address final and notify the old addresses; returns the user.

    Raises TokenInvalid, TokenExpired, WrongPassword, or UndoProtected.
    """
    user = tokens.read_email_keep_token(token)
    if not user.has_password(password):
        raise WrongPassword
    with transaction.atomic():
        locked = User.objects.lock(user.pk)  # an undo or another change may be under way
        if locked is None or (locked.email, locked.password) != (user.email, user.password):
            raise TokenInvalid
        undo = open_undo(user=locked)
        if undo is None:
            raise TokenInvalid
        _refuse_while_protected(undo)
        EmailChange.objects.filter(pk__in=[change.pk for change in undo.changes]).update(final_at=timezone.now())
        for change in undo.changes:
            if change.old_address != user.email:
                send_email_kept_notice(change)
    return locked


def _refuse_while_protected(undo: OpenUndo) -> None:
    if undo.is_protected:
        moment = date_format(undo.protected_until, "DATETIME_FORMAT")
        raise UndoProtected(
            _("Your old email address can still undo the change. You can end that from %(moment)s (UTC) on.")
            % {"moment": moment},
            retry_after=undo.protected_until - timezone.now(),
        )
