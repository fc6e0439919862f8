"""The schema's history, one module per step; never edited once released."""
