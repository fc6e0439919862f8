"""The ``colonnade`` command, one file per subject. ``app.py`` puts them together."""
