"""Churn models over an account's measures: a ladder that needs more events at each rung.

``table`` holds the rows, ``penalised`` the one fit, ``ladder`` chooses the rung, ``model`` is what is
kept and asked. Only ``penalised`` needs scikit-learn: a stored model predicts without it.
"""
