"""What people do with their account. A service changes the database inside one transaction.

The API and the pages call the same functions. A refusal is an AccountsError. A session in a browser is made by those
whose names end in `_in_browser`, a token of the API by those that return a Session.
"""

from accounts.services.addresses import confirm_email_change, request_email_change, undo_email_change
from accounts.services.deletion import delete_account
from accounts.services.devices import Device, end_device, list_devices, log_out_everywhere
from accounts.services.export import export_data
from accounts.services.passwords import change_password, request_password_reset, reset_password, send_reset_link
from accounts.services.profile import update_profile
from accounts.services.sessions import (
    Session,
    check_credentials,
    log_in,
    log_in_browser,
    log_out,
    verify_email,
    verify_email_in_browser,
)
from accounts.services.signup import confirm_address, register_user, resend_verification

__all__ = [
    "Device",
    "Session",
    "change_password",
    "check_credentials",
    "confirm_address",
    "confirm_email_change",
    "delete_account",
    "end_device",
    "export_data",
    "list_devices",
    "log_in",
    "log_in_browser",
    "log_out",
    "log_out_everywhere",
    "register_user",
    "request_email_change",
    "request_password_reset",
    "resend_verification",
    "reset_password",
    "send_reset_link",
    "undo_email_change",
    "update_profile",
    "verify_email",
    "verify_email_in_browser",
]
