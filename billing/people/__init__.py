"""What billing shows and offers on a person's page in the admin."""
