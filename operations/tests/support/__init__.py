"""Helpers of the tests of operations."""
