"""The values a field of ours may have: the catalogue's own, or those the charter makes.

``outbound`` asks, so that a portal offers exactly the bands, segments and stages of its charter.
"""

from __future__ import annotations

from mappings.catalogue import CatalogueField
from mappings.charter import Charter, rules_of_standing
from success.criteria import UNKNOWN

Choices = tuple[tuple[str, str], ...]
_UNKNOWN = (UNKNOWN, "Unknown")


def choices_of(entry: CatalogueField, charter: Charter) -> Choices:
    """Return value and label of each choice of a field, in the order people are shown; empty for others."""
    segmentation, journey = rules_of_standing(charter)
    made: dict[str, Choices] = {
        "band": (*((band.key, band.title) for band in charter.scorecard.bands), _UNKNOWN),
        "segment": (*((rule.key, rule.title) for rule in segmentation.segments), _UNKNOWN),
        "stage": tuple((stage.key, stage.title) for stage in journey.stages),
    }
    return made.get(entry.name, entry.choices)
