"""What is wrong with this installation: the checks of ``manage.py doctor`` and of the admin's page "Installation".

- ``checks``: what a check is, and how its result becomes a finding.
- ``site``, ``keys``, ``senders``, ``delivery``, ``payments``: the settings. They need neither a database nor a network.
- ``databases``, ``brokers``, ``clocks``: the services that the project needs, each asked in a thread of its own.
- ``processes``, ``outbox``, ``webhooks``: what the database shows about the running installation.
- ``files``, ``framework``, ``domains``: static files, Django's own checks, and the sending domain.
- ``examination``: runs all of them. ``presentation``: shows the findings. ``reports``: keeps them for the admin.
"""
