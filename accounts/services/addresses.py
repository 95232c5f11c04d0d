"""Another email address for an account: proven first, told to the old one, and undone from there."""

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.errors import AddressTaken, FieldRefused, TokenInvalid, WrongPassword
from accounts.mail import (
    send_already_registered_email,
    send_email_change_email,
    send_email_changed_notice,
    send_password_reset_email,
)
from accounts.models import EmailChange, User
from accounts.services.deletion import erase, refusal_to_delete
from accounts.services.devices import log_out_everywhere
from accounts.tokens import read_email_change_token, read_email_undo_token


def request_email_change(*, user: User, email: str, password: str) -> None:
    """Send the link that makes this the address of the account; until it is used, nothing changes.

    An address that has an account gets the mail that says so: the caller cannot tell. Raises WrongPassword, or
    FieldRefused for the address that the account has already.
    """
    if not user.check_password(password):
        raise WrongPassword
    if email == user.email:
        raise FieldRefused("email", [_("This is already your email address. Enter a different one.")])
    with transaction.atomic():
        owner = User.objects.filter(email=email).first()
        if owner is None:
            send_email_change_email(user, email)
        else:
            send_already_registered_email(owner)


def confirm_email_change(*, token: str, password: str) -> User:
    """Make the proven address the login. The old address, if it was proven too, is told, and can undo it for 7 days.

    Asks for the password: whoever reads the mails of a mistyped address would otherwise own the account. Raises
    TokenInvalid, TokenExpired, WrongPassword, or AddressTaken when another account got the address meanwhile.
    """
    user, new_address = read_email_change_token(token)
    if not user.check_password(password):
        raise WrongPassword
    with transaction.atomic():
        unchanged = User.objects.filter(pk=user.pk, email=user.email, password=user.password, is_active=True)
        if not _give_address(unchanged, new_address):
            raise TokenInvalid
        change = EmailChange.objects.create(user=user, old_address=user.email, new_address=new_address)
        if user.is_email_verified:
            send_email_changed_notice(change)
    user.refresh_from_db()
    return user


def undo_email_change(*, token: str) -> User:
    """Give the account its old address back, as the owner of that address asks. Of several changes the earlier wins.

    Whoever made the change knew the password, so it is void from now on, all tokens and sessions end, and the old
    address gets the link by which to choose a new one. Raises TokenInvalid, TokenExpired or AddressTaken.
    """
    change = read_email_undo_token(token)
    user = change.user
    user.set_unusable_password()
    with transaction.atomic():
        undone = EmailChange.objects.filter(user=user, pk__gte=change.pk, undone_at=None)
        if not undone.update(undone_at=timezone.now()):
            raise TokenInvalid
        _make_way(change.old_address, user)
        _give_address(User.objects.filter(pk=user.pk), change.old_address, password=user.password)
        log_out_everywhere(user=user)
        user.refresh_from_db()
        send_password_reset_email(user)
    return user


def _give_address(users: QuerySet[User], address: str, **changes: str) -> bool:
    """The address is proven by the link that brought us here."""
    try:
        with transaction.atomic():
            return users.update(email=address, email_verified_at=timezone.now(), **changes) == 1
    except IntegrityError:
        raise AddressTaken from None


def _make_way(address: str, owner: User) -> None:
    """An account that was made with the address meanwhile, and never confirmed, goes: the address is not its
    maker's. Whoever took an account over could otherwise keep its owner from coming back."""
    squatter = User.objects.filter(email=address, email_verified_at=None).exclude(pk=owner.pk).first()
    if squatter is not None and not refusal_to_delete(squatter):
        erase(squatter)
