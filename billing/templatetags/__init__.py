"""Template tags and filters for billing's pages."""
