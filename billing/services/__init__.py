"""The changes that events and people cause. Each service runs in its caller's transaction or opens its own."""
