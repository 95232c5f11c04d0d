"""Users: their accounts, their logins, and the API and pages for both."""
