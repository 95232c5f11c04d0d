"""The admin site, and the admin of users: their data, what happened to them, and actions that help them.

AccountsConfig.ready() loads the modules that register admins. This file imports none of them, because Django loads
this package while it creates the site that they register with.
"""
