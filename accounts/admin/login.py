"""The admin's login form, with the same limits on attempts as the site's own login."""

from math import ceil
from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError

from accounts.login import imitate_outdated_hash
from accounts.throttling import login_windows
from common.throttling import first_full


class LoginForm(AdminAuthenticationForm):
    def clean(self) -> dict[str, Any]:
        # Counted before the password is checked, so that right and wrong passwords count alike.
        address = str(self.cleaned_data.get("username", ""))
        windows = login_windows(self.request, address) if self.request else []
        if full := first_full(windows):
            minutes = ceil(full.wait() / 60)
            raise ValidationError(f"Too many attempts to log in. Wait {minutes} minutes, or reset your password.")
        try:
            return super().clean()
        except ValidationError:
            imitate_outdated_hash(email=address, password=str(self.cleaned_data.get("password", "")))
            raise


# The default admin site has no setting for its login form.
admin.site.login_form = LoginForm
