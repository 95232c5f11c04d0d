"""The admin of operations, and the admin site with the operator's home page.

This file imports no module that registers an admin, because Django loads operations.admin.site while it creates the
site that they register with. OperationsConfig.ready() loads such modules.
"""
