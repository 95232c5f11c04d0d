"""What people can do with their account. The API and the pages call the same functions.

A service changes the database in one transaction, takes no request, and raises an AccountsError if it refuses. What
needs Django's authentication framework, and therefore the request, is in accounts/login.py.
"""

from accounts.services.addresses import (
    change_email_for,
    confirm_email_change,
    request_email_change,
    undo_email_change,
)
from accounts.services.api_tokens import IssuedToken, issue_token
from accounts.services.deletion import delete_account
from accounts.services.devices import Device, end_device, list_devices, log_out_everywhere
from accounts.services.export import export_data
from accounts.services.kept_addresses import keep_address, open_undo, request_address_keeping
from accounts.services.passwords import (
    change_password,
    end_access_after_new_password,
    request_password_reset,
    reset_password,
)
from accounts.services.profile import update_profile
from accounts.services.signup import confirm_address, prove_sign_up, register_user, resend_verification

__all__ = [
    "Device",
    "IssuedToken",
    "change_email_for",
    "change_password",
    "confirm_address",
    "confirm_email_change",
    "delete_account",
    "end_access_after_new_password",
    "end_device",
    "export_data",
    "issue_token",
    "keep_address",
    "list_devices",
    "log_out_everywhere",
    "open_undo",
    "prove_sign_up",
    "register_user",
    "request_address_keeping",
    "request_email_change",
    "request_password_reset",
    "resend_verification",
    "reset_password",
    "undo_email_change",
    "update_profile",
]
