"""The search on the operator's home page: one field for people, email addresses, and every ID that is stored.

Everything is found by an index, except for parts of names and addresses, which are compared with the newest people.
"""
