"""Salesforce behind the port; see ``connector.connect``."""
