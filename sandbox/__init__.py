"""Local stand-ins for the two CRM vendors, and the made-up portfolio they are filled with.

Each vendor is its own process (``python -m sandbox.hubspot``, ``python -m sandbox.salesforce``).
Nothing here imports the product and nothing of the product imports this.
"""
