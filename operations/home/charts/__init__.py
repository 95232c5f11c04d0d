"""Charts of email and money, drawn on the server as SVG.

The pages' policy forbids styles inside a page, so colors are classes in static/operations/home.css, and everything else
is an attribute. Each series has a pattern and a label of its own, and each chart has a table.
"""
