"""What events and people change. Each works inside its caller's transaction, or opens its own."""
