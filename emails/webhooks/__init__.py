"""Receives what providers report: checks the signature on the raw bytes, and translates to neutral events.

views.py takes the request, each provider's own file knows its signature and its vocabulary, and emails.tracking
records the result.
"""
