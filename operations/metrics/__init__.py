"""What /metrics reads from the database: states when it is called, and totals that a task keeps (counting.py)."""
