"""The rules over a whole portfolio by columns: the same results as account by account, to the last bit.

``frame`` holds measured values as NumPy columns, ``expressions`` runs CEL over them, ``criteria`` asks for
segments and stages, ``curves`` does the exact whole-number arithmetic of ``health``, ``changed`` finds whose
sentences are old. Each has a twin that takes one account (``success.expressions``, ``success.health``), which
stays the definition: what columns do not cover is found and done by the twin.
"""
