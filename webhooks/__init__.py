"""What the outside calls: verify, store, answer fast. Nothing here computes or calls a CRM."""
