"""The admin of operations."""
