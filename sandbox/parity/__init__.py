"""Reads one portfolio's customer success back from both CRMs and compares it, with clients we did not write.

It stands in this package because it must share nothing with the product: what a field is called in each CRM,
and what a value means, is written down here a second time, by hand.
"""
