"""What a charter may have read besides contracts and support: answers to surveys, and products.

Both may be left out. ``bindings`` has the parts every charter has; ``further_facts`` reads these.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mappings.binding import Binding
from mappings.scalars import Model, Name

Rating = Annotated[int, Field(ge=1, le=5)]


class SurveyFields(Model):
    """The fields of an answer to a survey. ``respondent`` tells two answers of one person from one of two."""

    kind: Binding
    score: Binding
    answered_at: Binding
    respondent: Binding | None = None


class SurveyReads(Model):
    """Which object holds answers to surveys, and whether satisfaction surveys count as satisfaction."""

    object: Name
    parent: Name
    fields: SurveyFields
    csat_scale: dict[str, Rating] = Field(
        default_factory=dict,
        description="What a satisfaction survey's scores are as ratings from 1 to 5; without it they do not "
        "count towards csat_90d.",
    )


class ProductFields(Model):
    """The fields of a product. Contract lines name it by the CRM's id, or by its ``sku``."""

    name: Binding
    sku: Binding | None = None


class ProductReads(Model):
    """Which object holds products."""

    object: Name
    fields: ProductFields
