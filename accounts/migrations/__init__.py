"""Database changes of the accounts app."""
