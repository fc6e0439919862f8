"""The scorecards of the charter: how an account's health is computed, for whom, and when its band changes.

People write percent, points of 100 and days; ``to_rules`` methods turn them into the integer thousandths
of ``success.rules`` (domain C.1 to C.5). Neighbours: ``score_parts`` holds the single entries, ``rulebook``
what is done with customers, ``charter`` the whole file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from mappings.problems import suggest
from mappings.rulebook import repeated
from mappings.scalars import (
    Finding,
    Key,
    Model,
    Percent,
    Points,
    refuse,
    thousandths,
    thousandths_of_percent,
)
from mappings.score_parts import BandEntry, CapEntry, EventEntry, GroupEntry, MeasureEntry
from success import rules
from success.event_points import EventKind

WHOLE_PERCENT = 100
HoldDays = Annotated[int, Field(ge=0, le=366)]


class ScorecardEntry(Model):
    """A health scorecard (domain C.1 to C.5)."""

    key: Key
    version: Annotated[int, Field(ge=1)]
    coverage_floor: Percent = Field(
        default=Decimal(50), description="Below this share of known weight the score is unknown."
    )
    bands: tuple[BandEntry, ...]
    margin: Points = Field(
        default=Decimal(0), description="Points beyond a band's border before another band can stand."
    )
    hold_days: HoldDays = Field(default=0, description="Days another band must last before it stands.")
    groups: tuple[GroupEntry, ...] = Field(
        default=(), description="Weights of groups; measures are then weighed within their group."
    )
    measures: tuple[MeasureEntry, ...]
    events: tuple[EventEntry, ...] = ()
    caps: tuple[CapEntry, ...] = ()

    @field_validator("bands")
    @classmethod
    def _bands_rise_from_zero(cls, bands: tuple[BandEntry, ...]) -> tuple[BandEntry, ...]:
        refuse([*repeated([band.key for band in bands], "key"), *_wrong_bands(bands)])
        return bands

    @field_validator("margin")
    @classmethod
    def _margin_is_narrow(cls, margin: Decimal, info: ValidationInfo) -> Decimal:
        bands: Sequence[BandEntry] = info.data.get("bands", ())
        edges = [*(band.floor for band in bands), Decimal(100)]
        narrowest = min((above - floor for floor, above in pairwise(edges)), default=None)
        if narrowest is not None and margin * 2 > narrowest:
            wrong = f"a margin of {margin} is more than half of the narrowest band, {narrowest} points wide"
            refuse([Finding((), wrong, f"Write at most {narrowest / 2}.")])
        return margin

    @field_validator("groups")
    @classmethod
    def _groups_weigh_whole(cls, groups: tuple[GroupEntry, ...]) -> tuple[GroupEntry, ...]:
        findings = repeated([group.key for group in groups], "key")
        total = sum(group.weight for group in groups)
        if groups and total != WHOLE_PERCENT:
            wrong = f"the weights of the groups add up to {total}, not to 100"
            findings.append(Finding((), wrong, "Adjust the weights."))
        refuse(findings)
        return groups

    @field_validator("measures")
    @classmethod
    def _weights_are_whole(
        cls, measures: tuple[MeasureEntry, ...], info: ValidationInfo
    ) -> tuple[MeasureEntry, ...]:
        findings = repeated([entry.measure for entry in measures], "measure")
        groups: Sequence[GroupEntry] | None = info.data.get("groups")
        if groups:
            findings += [*_wrong_groups(measures, groups), *_wrong_group_weights(measures, groups)]
        elif groups is not None:
            total = sum(entry.weight for entry in measures)
            if total != WHOLE_PERCENT:
                wrong = f"the weights add up to {total}, not to 100"
                findings.append(Finding((), wrong, "Adjust the weights."))
        refuse(findings)
        return measures

    @field_validator("events")
    @classmethod
    def _events_differ(cls, events: tuple[EventEntry, ...]) -> tuple[EventEntry, ...]:
        refuse(repeated([event.key for event in events], "key"))
        return events

    @field_validator("caps")
    @classmethod
    def _caps_differ(cls, caps: tuple[CapEntry, ...]) -> tuple[CapEntry, ...]:
        refuse(repeated([cap.key for cap in caps], "key"))
        return caps

    @model_validator(mode="after")
    def _no_group_is_empty(self) -> Self:
        used = {entry.group for entry in self.measures}
        refuse(
            [
                Finding(("groups", index, "key"), f"group {group.key!r} has no measure",
                        "Put a measure into it, or take it out and share its weight among the others.")
                for index, group in enumerate(self.groups)
                if group.key not in used
            ]
        )  # fmt: skip
        return self

    def to_rules(self, time_zone: str = "UTC") -> rules.Scorecard:
        """Return the scorecard in thousandths; its events happen on days of the time zone."""
        return rules.Scorecard(
            key=self.key,
            version=self.version,
            measures=tuple(entry.to_rules() for entry in self.measures),
            bands=tuple(band.to_rules() for band in self.bands),
            caps=tuple(cap.to_rules() for cap in self.caps),
            coverage_floor=thousandths_of_percent(self.coverage_floor),
            groups=tuple(group.to_rules() for group in self.groups),
            events=tuple(event.to_rules() for event in self.events),
            margin=thousandths(self.margin),
            hold_days=self.hold_days,
            segments=self._for().segments_named,
            stages=self._for().stages_named,
            time_zone=time_zone,
        )

    def _for(self) -> Audience:
        return Audience()


class Audience(Model):
    """For whom a scorecard is: segments and stages by their keys; nothing named means any."""

    segments: tuple[Key, ...] = ()
    stages: tuple[Key, ...] = ()

    @property
    def segments_named(self) -> frozenset[str]:
        """Return the segments, in no order."""
        return frozenset(self.segments)

    @property
    def stages_named(self) -> frozenset[str]:
        """Return the stages, in no order."""
        return frozenset(self.stages)


class FurtherScorecardEntry(ScorecardEntry):
    """A scorecard for some accounts only; the first one that is for an account scores it."""

    audience: Audience = Field(alias="for", description="The segments and stages it is for.")

    @field_validator("audience")
    @classmethod
    def _for_somebody(cls, audience: Audience) -> Audience:
        if not audience.segments and not audience.stages:
            wrong = "the scorecard is for every account, so no other would ever be used"
            refuse([Finding((), wrong, "Name `segments` or `stages`; the one for all is `scorecard`.")])
        return audience

    def _for(self) -> Audience:
        return self.audience


def _wrong_bands(bands: Sequence[BandEntry]) -> Iterator[Finding]:
    for index, band in enumerate(bands):
        if band.key == "unknown":
            yield Finding((index, "key"), "'unknown' is the band without a score", "Choose another key.")
        if index and band.floor <= bands[index - 1].floor:
            wrong = f"floor {band.floor} does not come after {bands[index - 1].floor}"
            yield Finding((index, "floor"), wrong, "Order the bands from the worst to the best.")
    if not bands:
        yield Finding((), "there is no band", "Give at least one band with floor 0.")
    elif bands[0].floor != 0:
        yield Finding((0, "floor"), "the first band does not begin at 0", "Set its floor to 0.")


def _wrong_groups(measures: Sequence[MeasureEntry], groups: Sequence[GroupEntry]) -> Iterator[Finding]:
    known = {group.key for group in groups}
    for index, entry in enumerate(measures):
        if entry.group not in known:
            yield Finding((index, "group"), f"there is no group {entry.group!r}", suggest(entry.group, known))


def _wrong_group_weights(measures: Sequence[MeasureEntry], groups: Sequence[GroupEntry]) -> Iterator[Finding]:
    """Yield a finding, at its first measure, for each group whose measures do not weigh 100 together.

    In a group that weighs nothing they may weigh nothing as well.
    """
    for group in groups:
        places = [index for index, entry in enumerate(measures) if entry.group == group.key]
        total = sum(measures[index].weight for index in places)
        if places and total != WHOLE_PERCENT and (total or group.weight):
            wrong = f"the weights in group {group.key!r} add up to {total}, not to 100"
            yield Finding((places[0], "weight"), wrong, "Adjust the weights of the group's measures.")


def wrong_further(default: ScorecardEntry, further: Sequence[FurtherScorecardEntry]) -> Iterator[Finding]:
    """Yield what is wrong between scorecards: keys that do not differ, bands that are called otherwise.

    One band means one thing in every list, workflow and report of the CRM; only the floors may differ.
    """
    yield from repeated([entry.key for entry in further], "key")
    bands = [band.key for band in default.bands]
    for index, entry in enumerate(further):
        if entry.key == default.key:
            yield Finding((index, "key"), f"{entry.key!r} is the key of `scorecard`", "Choose another key.")
        if [band.key for band in entry.bands] != bands:
            wrong = "the bands are not those of `scorecard`"
            yield Finding((index, "bands"), wrong, f"Use the keys {', '.join(bands)}; floors may differ.")


def wrong_audience(
    further: Sequence[FurtherScorecardEntry], segments: Collection[str], stages: Collection[str]
) -> Iterator[Finding]:
    """Yield a finding for each segment or stage a scorecard is for that the charter does not define."""
    for index, entry in enumerate(further):
        for word, named, known in (
            ("segment", entry.audience.segments, segments),
            ("stage", entry.audience.stages, stages),
        ):
            for place, name in enumerate(named):
                if name not in known:
                    at = (index, "for", f"{word}s", place)
                    yield Finding(at, f"there is no {word} {name!r}", suggest(name, known))


def wrong_attributes(entry: ScorecardEntry, attributes: Collection[str] | None) -> Iterator[Finding]:
    """Yield a finding for each event read from a field of the account that no CRM's part reads.

    ``attributes`` None: what is read could not be told, so nothing is wrong here.
    """
    if attributes is None:
        return
    for index, event in enumerate(entry.events):
        if event.when is EventKind.ATTRIBUTE and event.attribute not in attributes:
            wrong = f"no attribute {event.attribute!r} of the account is read"
            remedy = (
                f"{suggest(event.attribute or '', attributes)} Attributes stand under `account` in `reads`."
            )
            yield Finding(("events", index, "attribute"), wrong, remedy)
