"""From records of surveys and products to facts, through the charter; pure.

``inbound`` reads accounts, deals, lines and tickets; ``sync/facts.py`` calls both. Scores: HubSpot's page
"HubSpot's survey response properties" has NPS from 0 to 10, CES from 1 to 7 and CSAT from 0 to 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from integration.port import CrmRecord
from mappings.binding import Binding
from mappings.further_reads import SurveyReads
from mappings.inbound import Contradiction, Inbound
from mappings.row import Contradicted, Row
from success.facts import SurveyAnswer, SurveyKind

OTHER: Final = "other"
"""The kind of a survey we know no measure of: a custom or knowledge base survey."""

SCALES: Final[Mapping[SurveyKind, range]] = {SurveyKind.NPS: range(11), SurveyKind.CES: range(1, 8)}


def to_answer(record: CrmRecord, inbound: Inbound) -> SurveyAnswer | Contradiction | None:
    """Return the answer in ``record``; ``None`` of a survey of another kind.

    Raises ``ValueError`` when the charter reads no surveys.
    """
    reads, row = inbound.crm.reads.survey, Row(record, inbound.zone)
    if reads is None:
        raise ValueError("the charter reads no surveys")
    fields = reads.fields
    try:
        kind = _kind(row, fields.kind)
        if kind is None:
            return None
        score = row.required_integer(fields.score)
        return SurveyAnswer(
            answer_id=record.id,
            account_id=row.link(reads.parent),
            kind=kind,
            score=score,
            answered_at=row.instant(fields.answered_at) or record.created_at,
            respondent=row.text(fields.respondent),
            csat=_rating(kind, score, reads),
        )
    except Contradicted as error:
        return Contradiction(record.object, record.id, error.field, error.reason)


def product_names(records: Iterable[CrmRecord], inbound: Inbound) -> dict[str, str]:
    """Return the products' names by all that contract lines may call them: the CRM's id, and the sku.

    Empty where the charter reads no products; one without a name is left out. An id goes before a sku.
    """
    reads = inbound.crm.reads.product
    if reads is None:
        return {}
    ids: dict[str, str] = {}
    skus: dict[str, str] = {}
    for record in records:
        row = Row(record, inbound.zone)
        name, sku = _text(row, reads.fields.name), _text(row, reads.fields.sku)
        if name is not None:
            ids[record.id] = name
            skus |= {} if sku is None else {sku: name}
    return skus | ids


def _text(row: Row, binding: Binding | None) -> str | None:
    """Return the text; a value the charter's map does not have names nothing."""
    try:
        return row.text(binding)
    except Contradicted:
        return None


def _kind(row: Row, binding: Binding) -> SurveyKind | None:
    kind = row.required_text(binding)
    if kind == OTHER:
        return None
    if kind not in set(SurveyKind):
        raise Contradicted(binding.field or "kind", f"{kind!r} is none of {', '.join([*SurveyKind, OTHER])}")
    return SurveyKind(kind)


def _rating(kind: SurveyKind, score: int, reads: SurveyReads) -> int | None:
    """Return a satisfaction survey's score as the charter rates it, ``None`` where it says nothing of it."""
    field = reads.fields.score.field or "score"
    if kind in SCALES and score not in SCALES[kind]:
        scale = SCALES[kind]
        raise Contradicted(field, f"{score} is not between {scale[0]} and {scale[-1]}")
    if kind is not SurveyKind.CSAT or not reads.csat_scale:
        return None
    if str(score) not in reads.csat_scale:
        raise Contradicted(field, f"the charter's csat_scale has no {score}")
    return reads.csat_scale[str(score)]
