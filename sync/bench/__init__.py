"""The benchmarks: the product against a sandbox, beside what could at best be done.

Neighbours: ``commands/benching`` prints them; ``demo.control`` and ``demo.children`` run sandboxes.
"""
