"""Chaos: the whole product under disturbances, held against a clean replay of what the CRMs hold.

``run`` plays the same people twice, quietly and disturbed; everything else here is one part of that.
"""
