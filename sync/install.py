"""Planning an install: what must exist in the CRM, what does, and the difference.

A plan reads and writes nothing; the charter is checked against what the CRM really has before
any write. Neighbours: ``mappings.portal_parts`` says what is needed, the port describes and
surveys, ``install_steps`` works out the steps, ``install_apply`` makes them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from integration.install_specs import Inspection, InstallingPort, InstallStep, Survey
from integration.parts import OwnedPart, Part, PartKind
from integration.port import CrmDescription, CrmPort, FieldSpec, ObjectSpec
from mappings.charter import Charter
from mappings.homes import OBJECTS, Homes
from mappings.inbound import read_queries
from mappings.openings import never_won, unresolved
from mappings.org_checks import objections
from mappings.outbound import object_specs
from mappings.portal_parts import wanted_parts
from sync.homes import settle, told
from sync.install_steps import Outcome, PlannedPart, Work, deleted_object, work_of

NOTHING_SEEN = Survey()


@dataclass(frozen=True, slots=True)
class Step:
    """One object of the plan: what is created, what is right already, what cannot be and why."""

    object: str
    creates_object: bool
    adds: tuple[str, ...]
    right: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InstallPlan:
    """The difference between what the charter needs and what the CRM has.

    ``questions`` are for the admin and stop an apply. An apply makes ``todo`` step by step, one step
    where the CRM takes all in one piece; ``parts`` says what is done about each part, and ``calls``
    how many calls that is, beside asking how far a deploy is.
    ``homes`` is where our records will stand, which ``notes`` explain where it is not an object.
    ``owned`` is what was known to be ours then: once that is another, the plan is out of date.
    """

    description: CrmDescription
    steps: tuple[Step, ...]
    questions: tuple[str, ...]
    todo: tuple[InstallStep, ...] = ()
    parts: tuple[PlannedPart, ...] = ()
    calls: int = 0
    homes: Homes = OBJECTS
    notes: tuple[str, ...] = ()
    survey: Survey = NOTHING_SEEN
    owned: frozenset[OwnedPart] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Return whether everything is there already."""
        return not self.todo

    @property
    def size(self) -> int:
        """Return how many steps an apply makes."""
        return len(self.todo)

    @property
    def refusals(self) -> tuple[str, ...]:
        """Return those of ``questions`` that are the CRM's own refusals of what would be installed."""
        package = self.survey.package
        return tuple(one for one in self.questions if package is not None and one in package.refusals)

    @property
    def inspection(self) -> Inspection:
        """Return what was found in the portal beside what the plan is about."""
        return self.survey.inspection


def make_plan(
    port: CrmPort,
    charter: Charter,
    pinned: Homes | None = None,
    owned: Collection[OwnedPart] = (),
    missing: Mapping[str, str] | None = None,
) -> InstallPlan:
    """Describe the portal or org and return what an apply would do; writes nothing.

    ``pinned`` are the homes settled by an earlier install, which this one keeps; ``owned`` the
    parts known to be ours. ``missing`` maps each scope that was not granted to what goes without
    it, empty where nothing can be done without.
    """
    possible, reads = object_specs(charter, port.vendor), read_queries(charter, port.vendor, installed=False)
    names = list(dict.fromkeys([*(spec.name for spec in possible), *(query.object for query in reads)]))
    description = port.describe(names)
    homes = settle(charter, port.vendor, description, pinned)
    wanted = wanted_parts(charter, port.vendor, homes)
    specs = wanted.objects
    if not isinstance(port, InstallingPort):
        raise TypeError(f"nothing can be installed into {port.vendor}")
    survey = port.survey(wanted, description, list(owned))
    survey = replace(survey, inspection=replace(survey.inspection, missing_scopes=missing or {}))
    work, package = work_of(wanted, description, survey, owned), survey.package
    made = frozenset(package.creates) if package and package.step else None
    steps = [_step(spec, description.objects.get(spec.name), made) for spec in specs]
    questions = [
        *(problem for step in steps for problem in step.problems),
        *objections(charter, port.vendor, description, homes),
        *unresolved(charter, port.vendor, description.deal_pipelines),
        *_no_room(specs, description),
        *_not_granted(survey.inspection),
        *(deleted_object(spec.name) for spec in specs if spec.name in survey.archived_objects),
        # What a field of another type in our way has the CRM refuse is told once.
        *(package.refusals if package and not any(step.problems for step in steps) else ()),
    ]
    return InstallPlan(
        description,
        tuple(steps),
        tuple(questions),
        todo=work.steps,
        parts=work.parts,
        calls=work.calls,
        homes=homes,
        notes=(
            *description.notes,
            *told(charter, port.vendor, description, homes),
            *never_won(charter, port.vendor, description.deal_pipelines),
            *_done_without(work, survey.inspection),
            *(package.notes if package else ()),
            *_not_ours(work, {one.part for one in owned}),
        ),
        survey=survey,
        owned=frozenset(owned),
    )


def _done_without(work: Work, found: Inspection) -> Iterable[str]:
    """Yield what cannot be, and why, where an install goes on without it."""
    for one in work.parts:
        if one.outcome is Outcome.CANNOT:
            yield f"{one.part}: {one.why}"
    for scope, without in found.missing_scopes.items():
        if without:
            yield f"the scope {scope} was not granted: {without}"


def _not_ours(work: Work, owned: Collection[Part]) -> Iterable[str]:
    """Yield the fields of our names that somebody else made: what stands in them will be written over."""
    found: dict[str, list[str]] = {}
    for one in work.parts:
        if one.part.kind is PartKind.FIELD and one.outcome is Outcome.RIGHT and one.part not in owned:
            found.setdefault(one.part.object, []).append(one.part.name)
    for name, fields in found.items():
        yield (
            f"{', '.join(fields)} of {name} stood there before us: our values take the place of what is in "
            "them, and an uninstall leaves the fields"
        )


def _step(spec: ObjectSpec, found: ObjectSpec | None, made: Collection[Part] | None) -> Step:
    """Return what an apply does about an object; with ``made``, only what is in it is created.

    A package tells what it makes: what is hidden from the user may stand there all the same.
    """
    adds = tuple(
        field.name
        for field in _missing(spec, found)
        if made is None or Part(PartKind.FIELD, spec.name, field.name) in made
    )
    creates = found is None and spec.custom
    return Step(
        object=spec.name,
        creates_object=creates and (made is None or Part(PartKind.OBJECT, spec.name, spec.name) in made),
        adds=adds,
        right=tuple(field.name for field in spec.fields if field.name not in adds),
        problems=tuple(_problems(spec, found)),
    )


def _missing(spec: ObjectSpec, found: ObjectSpec | None) -> tuple[FieldSpec, ...]:
    held = set() if found is None else {field.name.lower() for field in found.fields}
    return tuple(field for field in spec.fields if field.name.lower() not in held)


def _problems(spec: ObjectSpec, found: ObjectSpec | None) -> Iterable[str]:
    """Yield what is in our way: a standard object that is not there, a name taken by another type."""
    if found is None:
        if not spec.custom:
            yield f"{spec.name} cannot be seen: give the connected user access to it"
        return
    held = {field.name.lower(): field for field in found.fields}
    for field in spec.fields:
        other = held.get(field.name.lower())
        if other is not None and other.type is not field.type:
            yield (
                f"{spec.name}.{other.name} exists as {other.type.value}, we need {field.type.value}: "
                "rename or remove the customer's field"
            )
        elif other is not None and field.unique and not other.unique:
            yield f"{spec.name}.{other.name} exists but is not unique, and cannot be made so later: remove it"


def _not_granted(found: Inspection) -> Iterable[str]:
    needed = sorted(scope for scope, without in found.missing_scopes.items() if not without)
    if needed:
        yield f"the portal's admin has not granted {', '.join(needed)}: have them consent again"


def _no_room(specs: Iterable[ObjectSpec], description: CrmDescription) -> Iterable[str]:
    needed = [spec.name for spec in specs if spec.custom and spec.name not in description.objects]
    left = description.custom_objects_left
    if left is not None and len(needed) > left:
        yield f"{len(needed)} custom objects are needed ({', '.join(needed)}) and {left} are left"


__all__ = ["InstallPlan", "Step", "make_plan"]
