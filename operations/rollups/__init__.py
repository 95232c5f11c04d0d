"""Counts emails and money by the hour, and keeps the counts right when something changes late.

Each hour is counted as a whole, never changed by one, so a count can be repeated at any time and heals itself. An hour
is counted again when one of its emails was settled, reported by an event, or deleted since the last count, and in any
case after half an hour. Deleted emails still count: ``DeletedEmails`` keeps their numbers.
"""
