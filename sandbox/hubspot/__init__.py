"""A local stand-in for one HubSpot portal. Start it with ``python -m sandbox.hubspot``.

What it is faithful to, and what it simplifies, endpoint by endpoint: ``docs/sandbox/hubspot.md``.
"""
