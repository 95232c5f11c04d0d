"""Django's own tests of its email API, run through the outbox to SMTP: ``bin/django-mail-tests``.

Each message that these tests build is queued, delivered to an SMTP server on this machine, and read there. The tests
then look at what arrived instead of what Django alone would send. In addition, both are compared byte for byte.
"""
