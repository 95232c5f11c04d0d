"""Tokens of the links in emails that still work."""

from accounts import tokens
from accounts.models import EmailChange, User


def tokens_of(user: User, unconfirmed: User) -> dict[str, str]:
    """Return a working token for each page that a link opens, by path. ``unconfirmed`` is for the first one."""
    change = EmailChange.objects.create(user=user, old_address="old@example.com", new_address=user.email)
    return {
        "/verify-email": tokens.make_email_verification_token(unconfirmed),
        "/reset-password": tokens.make_password_reset_token(user),
        "/confirm-email-change": tokens.make_email_change_token(user, "next@example.com"),
        "/undo-email-change": tokens.make_email_undo_token(change),
        "/keep-email-address": tokens.make_email_keep_token(user),
    }
