"""Deletion of an account with everything stored about its user."""

import re
from functools import partial
from itertools import chain

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.errors import DeletionRefused, WrongPassword
from accounts.hooks import deletion_guards
from accounts.mail import LAST_KIND, send_deletion_notice
from accounts.models import EmailChange, User
from accounts.services.devices import log_out_everywhere
from accounts.services.email_quotas import forget_quotas
from emails import privacy


def delete_account(*, user: User, password: str) -> None:
    """Delete the user and everything stored about them, including emails, and send a last email to confirm it.

    Raises WrongPassword, or DeletionRefused with the reasons and what to do first.
    """
    if not user.has_password(password):
        raise WrongPassword
    with transaction.atomic():
        locked = User.objects.lock(user.pk)
        if locked is None:  # another request has just deleted it, and sent the email
            return
        if locked.password != user.password:
            raise WrongPassword
        if refusal := refusal_to_delete(locked):
            raise DeletionRefused(refusal)
        # Before erase(), which marks this email too. It is then erased as soon as it is sent.
        send_deletion_notice(locked, timezone.now())
        erase(locked)


def refusal_to_delete(user: User) -> str:
    """Return the messages of all deletion guards that refuse, or an empty string."""
    return " ".join(refusal for guard in deletion_guards if (refusal := guard(user)))


def erase(user: User) -> None:
    """Delete the user, and what the database does not cascade: emails, contacts, and names in the admin's log."""
    addresses = own_addresses(user)
    privacy.erase(str(user.pk), addresses=addresses, last_kind=LAST_KIND)
    # After the commit: requests for an email lock the quota before the user, and in the other order, the two could wait
    # for each other.
    transaction.on_commit(partial(forget_quotas, addresses), robust=True)
    log_out_everywhere(user=user)  # sessions have no foreign key to the user, so they would stay
    erase_log(user, addresses)
    user.delete()


def erase_log(user: User, addresses: set[str]) -> None:
    """Blank what the admin's log says about the user, also in entries about emails, suppressions, and other rows."""
    content_type = ContentType.objects.get_for_model(User)
    entries = Q(content_type=content_type, object_id=str(user.pk))
    for address in addresses:
        # Not as a part of a longer address.
        pattern = rf"(^|[^\w.+-]){re.escape(address)}($|[^\w.-]|\.($|\s))"
        entries |= Q(object_repr__iregex=pattern) | Q(change_message__iregex=pattern)
    LogEntry.objects.filter(entries).update(object_repr="", change_message="")


def own_addresses(user: User) -> set[str]:
    """Return the user's current and former email addresses, except those that other users have or had."""
    # An address can pass from one user to another, whose emails must stay.
    changes = EmailChange.objects.values_list("old_address", "new_address")
    own = {user.email, *chain(*changes.filter(user=user))}
    others = User.objects.exclude(pk=user.pk).filter(email__in=own).values_list("email", flat=True)
    return own - {*others, *chain(*changes.exclude(user=user).filter(Q(old_address__in=own) | Q(new_address__in=own)))}
