"""A local stand-in for a Salesforce org: its REST, Bulk, Metadata and SOAP-outbound protocols.

Started as its own process (``python -m sandbox.salesforce``). It imports nothing of the
product and nothing of the product imports it. ``docs/sandbox/salesforce.md`` says, per
endpoint, how faithful it is.
"""
