"""The system checks of billing. Importing this package registers them.

- ``configuration``: the keys, secrets, and settings that payments need.
- ``alerts``: who is informed about disputes.
- ``offers``, ``doubts``, ``checkout_terms``: what is wrong, or doubtful, in settings/plans.py, in words.
"""

from billing.checks import alerts, configuration

__all__ = ["alerts", "configuration"]
