"""What both vendor sandboxes stand on: clock, request log, faults, delivery, HTTP, SQLite.

See ``README.md`` in this folder for how a vendor sandbox puts the pieces together.
"""
