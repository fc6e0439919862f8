"""The rules of customer success: pure functions over frozen facts.

Nothing here reads a clock, a file or a socket, and nothing knows a vendor. ``sync``
assembles the facts and calls ``success.decide``; ``mappings`` builds the rules.
"""
