"""The admin of operations."""

from operations.admin import reports

__all__ = ["reports"]
