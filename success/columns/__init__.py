"""The rules over a whole portfolio by columns: the same results as account by account, to the last bit.

``frame`` holds measured values as NumPy columns, ``expressions`` runs CEL over them, ``curves`` and
``sharing`` do exact whole-number arithmetic, ``health`` scores. Each has a twin that takes one account
(``success.expressions``, ``success.health`` …), which stays the definition: what columns do not cover is
found and done by the twin.
"""
