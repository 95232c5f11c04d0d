"""How dates are written. Django finds the formats of each language here (FORMAT_MODULE_PATH).

The pages for customers use the formats that Django has for their language.
"""
