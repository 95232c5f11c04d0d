"""The admin's login form, with the same limits and the same rule on unconfirmed addresses as the site's own login."""

from math import ceil
from typing import Any

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError

from accounts.errors import EmailNotVerified
from accounts.login import imitate_outdated_hash
from accounts.throttling import login_windows
from common.windows import seconds_to_wait


class LoginForm(AdminAuthenticationForm):
    def clean(self) -> dict[str, Any]:
        # Counted before the password is checked, so that right and wrong passwords count alike.
        address = str(self.cleaned_data.get("username", ""))
        windows = login_windows(self.request, address) if self.request else []
        if seconds := seconds_to_wait(windows):
            minutes = ceil(seconds / 60)
            raise ValidationError(f"Too many attempts to log in. Wait {minutes} minutes, or reset your password.")
        try:
            return super().clean()
        except ValidationError:
            imitate_outdated_hash(email=address, password=str(self.cleaned_data.get("password", "")))
            raise

    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        if settings.ACCOUNTS_EMAIL_VERIFICATION == "mandatory" and not user.is_email_verified:
            raise ValidationError(EmailNotVerified.default_message, code=EmailNotVerified.code)
