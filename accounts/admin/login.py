"""The admin's login form, with the same limits on attempts as the site's own login."""

from math import ceil
from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError

from accounts.throttling import login_windows
from common.windows import seconds_to_wait


class LoginForm(AdminAuthenticationForm):
    def clean(self) -> dict[str, Any]:
        # Counted before the password is checked, so that right and wrong passwords count alike.
        windows = login_windows(self.request, str(self.cleaned_data.get("username", ""))) if self.request else []
        if seconds := seconds_to_wait(windows):
            minutes = ceil(seconds / 60)
            raise ValidationError(f"Too many attempts to log in. Wait {minutes} minutes, or reset your password.")
        return super().clean()


# The default admin site has no setting for its login form.
admin.site.login_form = LoginForm
