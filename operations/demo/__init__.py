"""Made-up people, emails, and payments for development: for the admin, the pages, and pictures of them.

``seeding.seed`` writes them in bulk, so nothing is sent, and ``removal.remove`` deletes them. Both find the rows by the
marks in ``marks``, so that they can be repeated after an interruption.
"""
