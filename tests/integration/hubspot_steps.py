"""An install of a few objects and fields, made step by step as a plan makes it where nothing stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from integration.hubspot import HubSpotPort
from integration.hubspot.connector import PROPERTY_GROUP
from integration.install_specs import InstallStep, Made, MakeFields, MakeGroup, MakeObject
from integration.port import SchemaChange


def steps_of(changes: Sequence[SchemaChange]) -> list[InstallStep]:
    """Return the steps: an object in one, fields in two."""
    steps: list[InstallStep] = []
    for change in changes:
        if change.create_object:
            steps.append(MakeObject(change.object))
        else:
            name = change.object.name
            steps += [MakeGroup(name, PROPERTY_GROUP), MakeFields(name, PROPERTY_GROUP, change.fields)]
    return steps


@dataclass(frozen=True)
class Result:
    """What became of one change."""

    object: str
    done: bool
    message: str


def install(port: HubSpotPort, changes: Sequence[SchemaChange]) -> list[Result]:
    """Make the steps; return what became of each change."""
    return [_result(change, [port.make(step) for step in steps_of([change])]) for change in changes]


def _result(change: SchemaChange, made: Sequence[Made]) -> Result:
    words = [text for one in made for text in (*one.refused.values(), one.message) if text]
    return Result(change.object.name, all(one.done for one in made), "; ".join(dict.fromkeys(words)))
