"""A bound on the length of passwords, which Django's own validators leave open."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MAXIMUM_PASSWORD_LENGTH = 128


class MaximumLengthValidator:
    """For AUTH_PASSWORD_VALIDATORS: comparing and hashing a text of any length is work that a stranger can order."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        if len(password) > MAXIMUM_PASSWORD_LENGTH:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        return _("Passwords can be at most %(maximum)d characters long.") % {"maximum": MAXIMUM_PASSWORD_LENGTH}
