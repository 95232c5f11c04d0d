"""What happens to a message after a provider accepted it: events, statuses, and suppressed addresses."""
