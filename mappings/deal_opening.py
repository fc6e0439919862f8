"""What the charter says of how deals of ours begin; part of what ``bindings`` says of one CRM.

Neighbours: ``openings`` finds the place, ``outbound`` makes the deal, ``deal_lines`` and ``deal_roles`` what
hangs under it.
"""

from __future__ import annotations

from pydantic import Field

from mappings.scalars import Model, Name


class DealOpening(Model):
    """How a deal of ours begins: its pipeline, its stage, and other fields set once on creation.

    Without a pipeline the stage says which one it is; without a stage it is the first open one of
    the pipeline named, or of the only pipeline there is. Salesforce's pipelines are record types.
    """

    pipeline: Name | None = None
    record_type: Name | None = Field(
        default=None, description="Salesforce: the record type's developer name, in place of a pipeline."
    )
    stage: Name | None = None
    values: dict[str, str] = Field(default_factory=dict)
    lines: bool = Field(
        default=False,
        description="The deal begins with its lines (Salesforce); its amount is their sum from then on.",
    )
    contact_roles: bool = Field(
        default=False,
        description="The deal begins with the contact roles of the deal it continues (Salesforce).",
    )

    @property
    def place(self) -> str | None:
        """Return the pipeline or record type named, if any."""
        return self.record_type or self.pipeline
