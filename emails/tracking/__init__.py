"""What happens to a message after a provider accepts it: events, statuses, and suppressed addresses."""
