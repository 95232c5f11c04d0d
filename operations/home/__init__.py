"""The operator's home page: what needs attention, what runs, charts of email and money, and one search for everything.

Nothing here knows the admin site. The site passes in what the person may see (``Viewer``).
"""
