"""The challenge at sign-up, such as a CAPTCHA or a proof of work. There is none by default."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string
from rest_framework.request import Request

from accounts.errors import ChallengeFailed


def require_challenge(request: HttpRequest | Request) -> None:
    """Raise ChallengeFailed unless the function that ACCOUNTS_SIGNUP_CHALLENGE names accepts the request.

    Called before anything depends on the email address, so it can't reveal whether there is an account.
    """
    if settings.ACCOUNTS_SIGNUP_CHALLENGE and not import_string(settings.ACCOUNTS_SIGNUP_CHALLENGE)(request):
        raise ChallengeFailed
