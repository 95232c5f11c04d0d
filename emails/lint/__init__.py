"""Finds faults in emails: what a email program drops, cuts off, or makes unreadable, and what looks like spam.

``lint_kind()`` checks a kind with one of its samples, and names the line of the template for each finding.
``lint_message()`` checks an email that was sent. Nothing is loaded from the network.
"""

from emails.lint.checking import lint_everything, lint_kind, lint_message
from emails.lint.findings import Finding, Level, Place

__all__ = ["Finding", "Level", "Place", "lint_everything", "lint_kind", "lint_message"]
