"""Receives the events that providers report, and translates them into neutral ones.

views.py handles the request, a module for each provider checks its signatures and translates its events, and
emails/tracking/ records the result.
"""
