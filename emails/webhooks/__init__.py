"""What the providers tell afterwards: verified on the raw bytes, translated to one kind of event, handed to tracking.

views.py takes the POST; a provider's own file knows its signature and its words; event.py is what they become.
"""
