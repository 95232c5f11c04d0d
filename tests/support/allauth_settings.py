"""The test settings plus django-allauth."""

from settings.test import *  # noqa: F403
from settings.test import INSTALLED_APPS, MIDDLEWARE

ROOT_URLCONF = "tests.support.third_party_urls"
INSTALLED_APPS = [*INSTALLED_APPS, "allauth", "allauth.account"]
MIDDLEWARE = [*MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
EMAIL_PROVIDER = "resend"
EMAIL_RATE_PER_SECOND = 0.0
