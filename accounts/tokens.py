"""The signed tokens in confirm links. Nothing is stored: a token dies with what it was made for."""

from datetime import timedelta

from django.core import signing

from accounts.errors import TokenExpired, TokenInvalid
from accounts.models import User

EMAIL_VERIFICATION_SALT = "accounts.email_verification"
EMAIL_VERIFICATION_LIFE = timedelta(days=7)


def make_email_verification_token(user: User) -> str:
    return signing.dumps({"user": user.pk, "email": user.email}, salt=EMAIL_VERIFICATION_SALT)


def read_email_verification_token(token: str) -> User:
    """The user whose address is to be confirmed, if it is still that address and still unconfirmed.

    Raises TokenExpired after EMAIL_VERIFICATION_LIFE, TokenInvalid for everything else.
    """
    try:
        claims = signing.loads(token, salt=EMAIL_VERIFICATION_SALT, max_age=EMAIL_VERIFICATION_LIFE)
    except signing.SignatureExpired:
        raise TokenExpired from None
    except signing.BadSignature:
        raise TokenInvalid from None
    user = User.objects.filter(pk=claims["user"], email=claims["email"], email_verified_at=None, is_active=True).first()
    if user is None:
        raise TokenInvalid
    return user
