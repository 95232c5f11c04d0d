"""What people can do with their account. The API and the pages call the same functions.

A service changes the database in one transaction, takes no request, and raises an AccountsError if it refuses. What
needs Django's authentication framework, and therefore the request, is in accounts/login.py.
"""

from accounts.services.addresses import confirm_email_change, request_email_change, undo_email_change
from accounts.services.api_tokens import IssuedToken, issue_token
from accounts.services.deletion import delete_account
from accounts.services.devices import Device, end_device, list_devices, log_out_everywhere
from accounts.services.export import export_data
from accounts.services.passwords import change_password, request_password_reset, reset_password
from accounts.services.profile import update_profile
from accounts.services.signup import confirm_address, prove_sign_up, register_user, resend_verification

__all__ = [
    "Device",
    "IssuedToken",
    "change_password",
    "confirm_address",
    "confirm_email_change",
    "delete_account",
    "end_device",
    "export_data",
    "issue_token",
    "list_devices",
    "log_out_everywhere",
    "prove_sign_up",
    "register_user",
    "request_email_change",
    "request_password_reset",
    "resend_verification",
    "reset_password",
    "undo_email_change",
    "update_profile",
]
