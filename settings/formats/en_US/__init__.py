"""The formats of the admin, which is in American English for everyone (accounts/admin/site.py)."""
