"""Keeps the CRM and the rules in step: mirror, inbox, dirty set, ledger of writes, schedule.

Neighbours: ``mappings`` binds the vocabularies, ``integration`` speaks to the CRM,
``success`` decides; ``webhooks`` and ``app`` call in here. Nothing here handles HTTP requests.
"""
