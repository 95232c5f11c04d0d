"""What the templates of billing's pages need."""
