"""Changes of the email address: requested, confirmed from the new address, and undone from the old one."""

from django.contrib.sessions.backends.base import SessionBase
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from knox.models import AuthToken

from accounts import hooks, tokens
from accounts.client_info import Requester
from accounts.errors import AddressTaken, FieldRefused, TokenInvalid, WrongPassword
from accounts.mail import (
    is_notified_today,
    resend_welcome_email,
    send_already_registered_email,
    send_email_change_email,
    send_email_changed_notice,
    send_password_reset_email,
)
from accounts.models import EmailChange, Purpose, User
from accounts.services import contacts
from accounts.services.deletion import erase, refusal_to_delete
from accounts.services.devices import log_out_everywhere, log_out_other_devices
from accounts.services.email_quotas import is_over_quota


def request_email_change(*, user: User, email: str, password: str, requester: Requester | None = None) -> None:
    """Send a confirmation link to the new email address. Nothing changes until the link is used.

    If the address already has an account, its owner gets an email about that instead; the caller can't tell the
    difference. Raises WrongPassword, or FieldRefused if it is the user's current address.
    """
    if not user.has_password(password):
        raise WrongPassword
    if email == user.email:
        raise FieldRefused("email", [_("This is already your email address. Enter a different one.")])
    with transaction.atomic():
        is_refused = is_over_quota(email, requester)
        # Locked, so that nothing is sent to an account that is being deleted.
        owner = User.objects.select_for_update().filter(email=email).first()
        is_notified = is_notified_today(owner)
        if owner is None:
            send_email_change_email(user, email, discard=is_refused)
        elif send_already_registered_email(owner, discard=is_notified or is_refused):
            # Otherwise, an earlier link that still works would reveal that this address has an account.
            tokens.end_older_links(User() if is_refused else user, Purpose.CHANGE, tokens.new_link_id())


def confirm_email_change(
    *, token: str, password: str, session: SessionBase | None = None, api_token: AuthToken | None = None
) -> User:
    """Change the email address, and log out all devices except this session or API token; returns the user.

    Raises TokenInvalid, TokenExpired, WrongPassword, or AddressTaken.
    """
    user, new_address = tokens.read_email_change_token(token)
    # Without the password, the owner of a mistyped address could take over the account.
    if not user.has_password(password):
        raise WrongPassword
    with transaction.atomic():
        # Of two requests with the same link, only one still finds the old email address.
        unchanged = User.objects.filter(pk=user.pk, email=user.email, password=user.password, is_active=True)
        if not _set_address(unchanged, new_address):
            raise TokenInvalid
        _record_change(user, new_address)
        former_address = user.email
        user.refresh_from_db()
        contacts.change_address(user, former_address)
        _announce(user)
        log_out_other_devices(user=user, session=session, token=api_token)
    return user


def change_email_for(*, user: User, email: str) -> None:
    """Change the email address at once, as support does for someone who can't use the old one. Raises AddressTaken.

    The address counts as confirmed if the old one was, because support vouches for it. The old one gets the link that
    undoes the change, and all devices are logged out.
    """
    confirmed_at = timezone.now() if user.is_email_verified else None
    with transaction.atomic():
        unchanged = User.objects.filter(pk=user.pk, email=user.email)  # of two changes, only one still matches
        if not _set_address(unchanged, email, email_verified_at=confirmed_at):
            raise AddressTaken
        _record_change(user, email)
        log_out_everywhere(user=user)
        former_address = user.email
        user.refresh_from_db()
        contacts.change_address(user, former_address)
        _announce(user)
        if not user.is_email_verified:
            resend_welcome_email(user, discard=False)  # the link that was sent to the old address no longer works


def undo_email_change(*, token: str) -> User:
    """Restore the old email address; returns the user. Raises TokenInvalid, TokenExpired, or AddressTaken."""
    change = tokens.read_email_undo_token(token)
    user = change.user
    # The person who made the change knew the password. It is therefore disabled, all tokens and sessions end, and the
    # old address gets a link to set a new one.
    user.set_unusable_password()
    with transaction.atomic():
        locked = User.objects.lock(user.pk)
        _mark_undone(change)
        _delete_unconfirmed_account(change.old_address, owner=user)
        _set_address(User.objects.filter(pk=user.pk), change.old_address, password=user.password)
        log_out_everywhere(user=user)
        user.refresh_from_db()  # the link is valid only for the restored address
        contacts.change_address(user, locked.email if locked else change.new_address)
        _announce(user)
        send_password_reset_email(user)
    return user


def _announce(user: User) -> None:
    for receiver in hooks.address_receivers:
        receiver(user)


def _record_change(user: User, new_address: str) -> None:
    """Store the change. The old address gets a link that undoes it for some days, unless it was never confirmed."""
    change = EmailChange(user=user, old_address=user.email, new_address=new_address)
    if not user.is_email_verified:
        change.final_at = change.at
    change.save()
    if user.is_email_verified:
        send_email_changed_notice(change)


def _mark_undone(change: EmailChange) -> None:
    """Mark the change and all later ones as undone. Raises TokenInvalid if another request was faster."""
    is_open = EmailChange.objects.filter(pk=change.pk, undone_at=None, final_at=None)
    if not is_open.update(undone_at=timezone.now()):
        raise TokenInvalid
    # The links of later changes would otherwise restore an address that an attacker entered.
    later = EmailChange.objects.filter(user=change.user, pk__gt=change.pk, undone_at=None)
    later.update(undone_at=timezone.now())


def _set_address(users: QuerySet[User], address: str, **changes: object) -> bool:
    """Set the email address, by default as confirmed now; returns False if no user matches."""
    values = {"email": address, "email_verified_at": timezone.now(), **changes}
    try:
        with transaction.atomic():  # a savepoint: PostgreSQL accepts no more queries after an error in a transaction
            return users.update(**values) == 1
    except IntegrityError:
        raise AddressTaken from None


def _delete_unconfirmed_account(address: str, *, owner: User) -> None:
    """Delete another account that was created with this address in the meantime and never confirmed.

    Its creator doesn't own the address. Otherwise, an attacker could keep the owner out by signing up with it.
    """
    squatters = User.objects.select_for_update().filter(email=address, email_verified_at=None)
    squatter = squatters.exclude(pk=owner.pk).first()
    # If it can't be deleted, for example because it has a subscription, the caller raises AddressTaken.
    if squatter is not None and not refusal_to_delete(squatter):
        erase(squatter)
