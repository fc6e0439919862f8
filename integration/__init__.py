"""Connections to CRMs: what may be asked of one (``port``) and one folder per vendor."""
