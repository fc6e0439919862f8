"""Installing our package into an org: compare, have the org check the very archive, then deploy it.

What stands is compared first (describes, ``standing``, and what was deployed last); where nothing differs
nothing is sent. Else the archive that an apply would send is deployed as a check, which tells what would
be created, what cannot be and why; a part the org may do without is left out where it is the only thing
refused. A component that stood there before us is the customer's and stays out of the archive.
Neighbours: ``sources`` (which files), ``deploys`` (how they are sent), ``removal`` (the way back).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from integration.install_specs import InstallStep, Made, Survey, Wanted
from integration.package_step import PACKAGE, DeployPackage, PackageSurvey
from integration.parts import OwnedPart
from integration.parts import Part as OwnPart
from integration.port import CrmDescription, FieldType, Refused, SchemaChange
from integration.salesforce.assignment import assign
from integration.salesforce.components import part_of
from integration.salesforce.deploys import Deployed, deploy, zipped
from integration.salesforce.editions import Record, without_by_edition
from integration.salesforce.metadata_xml import PERMISSION_SET
from integration.salesforce.names import is_custom
from integration.salesforce.rights import NO_RIGHTS, read_rights, with_held
from integration.salesforce.schema import wanted_fields
from integration.salesforce.shape import Shapes
from integration.salesforce.source_format import Part, component_of, package_files, to_metadata_format
from integration.salesforce.sources import (
    OPTIONAL,
    PACKAGED_SET,
    RIGHTS_FILE,
    content_of,
    rights_file,
    sources,
)
from integration.salesforce.standing import REASON, SEEN, StandingPackage, read_standing
from integration.salesforce.transport import Transport

Component = tuple[str, str]
SETS: Final = "PermissionSet"
UNSEEN: Final = (
    "page layouts, record pages, compact layouts, actions, paths, report types, folders and channels cannot "
    "be seen over REST: what an admin changed there stays until the package is deployed again"
)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a plan starts from: what is wanted, what stands, and which parts are ours."""

    wanted: Wanted
    found: CrmDescription
    standing: StandingPackage
    owned: frozenset[OwnPart]
    record: Record | None
    permissionable: Mapping[str, frozenset[str]]
    prefix: str = ""

    def stands(self, component: Component) -> bool:
        """Return whether a component is seen to stand; one that nobody shows us may be known by a right."""
        kind, name = component
        rights = self.standing.rights.values()
        if kind == "CustomObject":
            return name in self.found.objects or any(name in one.objects for one in rights)
        if kind == "CustomField":
            owner, _, field_name = name.partition(".")
            held = self.found.objects.get(owner)
            seen = held is not None and any(one.name == field_name for one in held.fields)
            return seen or any(name in one.fields for one in rights)
        return self.standing.holds(kind, name)

    def is_ours(self, component: Component) -> bool:
        """Return whether we may deploy a component that stands: we made it, or its name is ours alone."""
        return component[0] == SETS or part_of(*component) in self.owned


@dataclass(frozen=True, slots=True)
class Draft:
    """An archive in the making: its files but for rights, what is left out of it and why."""

    files: Mapping[str, str]
    left_out: Mapping[Part, str]
    theirs: frozenset[Component] = frozenset()
    because: Mapping[OwnPart, str] = field(default_factory=dict)

    @property
    def deployed(self) -> dict[str, str]:
        """Return the files without those of components that are the customer's."""
        return {path: text for path, text in self.files.items() if component_of(path) not in self.theirs}


class Installer:
    """The installing verbs of one port."""

    def __init__(self, transport: Transport, shapes: Shapes, prefix: str = "") -> None:
        """Install over ``transport``; ``prefix`` is the namespace under which the package stands already."""
        self._transport, self._shapes, self._prefix = transport, shapes, prefix

    def survey(self, wanted: Wanted, found: CrmDescription, owned: Sequence[OwnedPart]) -> Survey:
        """Return what is to be done. Two calls where nothing is; a check-only deploy where something is."""
        ground = self._ground(wanted, found, owned)
        draft = _draft(ground)
        assigns = tuple(name for name in _sets_of_the_user(ground) if name not in ground.standing.given)
        if not draft.because:
            assigns = () if SETS in ground.standing.hidden else assigns  # nobody can tell whether it has them
            step = DeployPackage("", b"", (), assigns) if assigns else None
            parts = _parts(draft)
            said = {part_of(SETS, name): "is given to the integration user" for name in assigns}
            right = tuple(part for part in parts if part not in said)
            return Survey(package=PackageSurvey(step, {}, said, right, (), _notes(ground, draft)))
        return Survey(package=self._checked(ground, draft, assigns))

    def make(self, step: InstallStep) -> Made:
        """Deploy and assign what a survey found; a refusal of one component leaves all undone."""
        if not isinstance(step, DeployPackage):
            raise TypeError(f"an org takes its package whole, not {step.about}")
        made = Made()
        if step.archive:
            try:
                done = deploy(self._transport, REASON, step.archive)
            except Refused as refused:
                return _undone(step, str(refused))
            if not done.worked:
                return _undone(step, "; ".join(done.words))
            self._learn(step)
            made = _made(step, done)
        try:
            assign(self._transport, REASON, step.assigns)
        except Refused as refused:
            words = f"{', '.join(step.assigns)} could not be given to the integration user: {refused}"
            return replace(made, message=words)
        return made

    def _learn(self, step: DeployPackage) -> None:
        for spec in step.specs:
            self._shapes.forget(spec.name)
            self._shapes.learn(spec.name, wanted_fields(SchemaChange(spec, spec.custom, spec.fields)))

    def _ground(self, wanted: Wanted, found: CrmDescription, owned: Sequence[OwnedPart]) -> Ground:
        kept = next((one.crm_id for one in owned if one.part == PACKAGE), None)
        sets = {name for kind, name in map(component_of, package_files(Part.CORE)) if kind == SETS}
        sets |= {name for kind, name in map(component_of, wanted.files) if kind == SETS}
        names = [one.name for one in wanted.objects if any(not is_custom(f.name) for f in one.fields)]
        described = [name for name in names if name in found.objects]
        return Ground(
            wanted,
            found,
            read_standing(self._transport, {*sets, PERMISSION_SET}),
            frozenset(one.part for one in owned),
            Record.read(kept),
            {name: self._shapes.get(name).permissionable for name in described},
            self._prefix,
        )

    def _checked(self, ground: Ground, draft: Draft, assigns: tuple[str, ...]) -> PackageSurvey:
        """Return the plan of a draft, as the org's own check of it says."""
        while True:
            archive = _archive(ground, draft)
            try:
                outcome = deploy(self._transport, REASON, archive, check_only=True)
            except Refused as refused:
                return PackageSurvey(refusals=(str(refused),), notes=_notes(ground, draft))
            part = None if outcome.worked else _only_part_refused(outcome)
            theirs = {one for one in outcome.met if not ground.stands(one) and not ground.is_ours(one)}
            theirs = {one for one in theirs if one[0] not in SEEN}
            if part is not None and part not in draft.left_out:
                draft = _without(ground, draft, part, "; ".join(outcome.words))
            elif outcome.worked and theirs - draft.theirs:
                draft = replace(draft, theirs=draft.theirs | theirs)
            else:
                return _plan(ground, draft, outcome, archive, assigns)


def _undone(step: DeployPackage, words: str) -> Made:
    return Made(refused=dict.fromkeys(step.creates, words), message=words)


def _made(step: DeployPackage, done: Deployed) -> Made:
    """Return what a deploy made; what it met somebody else has made since the check."""
    met = {part_of(*one) for one in done.met}
    made = {part: None for part in step.creates if part not in met}
    taken = tuple(part for part in step.creates if part in met)
    return Made({**made, PACKAGE: step.content}, taken=taken)


def _plan(
    ground: Ground, draft: Draft, outcome: Deployed, archive: bytes, assigns: tuple[str, ...]
) -> PackageSurvey:
    if not outcome.worked:
        return PackageSurvey(refusals=outcome.words, notes=_notes(ground, draft))
    creates = {part_of(*one): draft.because.get(part_of(*one), "") for one in sorted(outcome.created)}
    changes = {part: why for part, why in draft.because.items() if part not in creates and part != PACKAGE}
    creates |= {PACKAGE: ""} if PACKAGE not in ground.owned else {}
    if PACKAGE in draft.because and PACKAGE not in creates:
        changes[PACKAGE] = draft.because[PACKAGE]
    record = Record(content_of(draft.files), frozenset(draft.left_out) - _by_edition(ground))
    step = DeployPackage(str(record), archive, tuple(creates), assigns, ground.wanted.objects)
    right = tuple(part for part in _parts(draft) if part not in creates and part not in changes)
    return PackageSurvey(step, creates, changes, right, (), _notes(ground, draft))


def _parts(draft: Draft) -> list[OwnPart]:
    """Return the parts of a draft's files, each once: a bundle is several files."""
    return list(dict.fromkeys(part_of(*component_of(path)) for path in (*draft.files, RIGHTS_FILE)))


def _draft(ground: Ground) -> Draft:
    """Return what is to be deployed as far as we see; ``because`` is empty where nothing need be."""
    left_out = dict(without_by_edition(ground.standing))
    draft = _composed(ground, left_out)
    record = ground.record
    if record is not None and record.without:  # refused at the last install: asked again when we change
        words = "the org refused it at the last install; it is tried again with the package's next change"
        kept = _composed(ground, {**left_out, **dict.fromkeys(record.without, words)})
        draft = kept if content_of(kept.files) == record.content else draft
    return draft


def _composed(ground: Ground, left_out: Mapping[Part, str]) -> Draft:
    files = sources(ground.wanted.objects, ground.wanted.files, left_out, ground.prefix)
    components = {component_of(path) for path in files}
    lacks_choices = set(_lacking_choices(ground))
    theirs = {one for one in components if ground.stands(one) and not ground.is_ours(one)} - lacks_choices
    because: dict[OwnPart, str] = {}
    for kind, name in sorted(components):
        seen = kind in SEEN or kind in ("CustomObject", "CustomField")
        folder = kind in ("Report", "Dashboard") and "/" not in name
        if seen and not folder and kind not in ground.standing.hidden and not ground.stands((kind, name)):
            ours = part_of(kind, name) in ground.owned
            because[part_of(kind, name)] = "was deleted in the org" if ours else ""
    because |= {part_of(*one): "its choices are added" for one in sorted(lacks_choices & components)}
    because |= dict(_rights_taken(ground, files))
    if ground.record is None:
        because[PACKAGE] = ""
    elif ground.record.content != content_of(files):
        because[PACKAGE] = "the package has changed since it was deployed"
    return Draft(files, left_out, frozenset(theirs), because)


def _without(ground: Ground, draft: Draft, part: Part, words: str) -> Draft:
    made = _composed(ground, {**draft.left_out, part: words})
    return replace(made, theirs=made.theirs | draft.theirs)


def _archive(ground: Ground, draft: Draft) -> bytes:
    files = draft.deployed | {RIGHTS_FILE: _rights_text(ground, draft.files)}
    for path, text in files.items():
        kind, name = component_of(path)
        if kind == SETS:
            files[path] = with_held(text, ground.standing.rights.get(name, NO_RIGHTS))
    return zipped(to_metadata_format(files))


def _rights_text(ground: Ground, files: Mapping[str, str]) -> str:
    return rights_file(ground.wanted.objects, files, ground.permissionable, ground.prefix)


def _rights_taken(ground: Ground, files: Mapping[str, str]) -> Iterator[tuple[OwnPart, str]]:
    """Yield the permission sets that grant less than they should, with what is lacking."""
    for path, text in {**files, RIGHTS_FILE: _rights_text(ground, files)}.items():
        kind, name = component_of(path)
        if kind != SETS or SETS in ground.standing.hidden:
            continue
        held = ground.standing.rights.get(name)
        lacking = [] if held is None else list(read_rights(text).lacking(held))
        if lacking:
            yield part_of(kind, name), f"lacks {', '.join(lacking)}"
        elif held is None:
            yield part_of(kind, name), ""


def _lacking_choices(ground: Ground) -> Iterator[Component]:
    """Yield the fields of ours that stand without a choice the charter has."""
    for spec in ground.wanted.objects:
        held = ground.found.objects.get(spec.name)
        known = {} if held is None else {one.name: {v for v, _ in one.choices} for one in held.fields}
        for one in spec.fields:
            if one.type is FieldType.CHOICE and not {v for v, _ in one.choices} <= known.get(
                one.name, {v for v, _ in one.choices}
            ):
                yield "CustomField", f"{spec.name}.{one.name}"


def _sets_of_the_user(ground: Ground) -> tuple[str, ...]:
    """Return the permission sets the integration user is to have; the package's own where it is installed."""
    return (PERMISSION_SET, f"{ground.prefix}__{PACKAGED_SET}") if ground.prefix else (PERMISSION_SET,)


def _only_part_refused(outcome: Deployed) -> Part | None:
    """Return the part an org may do without to which every refused component belongs."""
    refused = {(one.kind, one.name) for one in outcome.failures}
    for part in OPTIONAL:
        if refused and refused <= {component_of(path) for path in package_files(part)}:
            return part
    return None


def _by_edition(ground: Ground) -> frozenset[Part]:
    return frozenset(part for part, _ in without_by_edition(ground.standing))


def _notes(ground: Ground, draft: Draft) -> tuple[str, ...]:
    """Return what is left out and why, and what the user may not see."""
    hidden = ", ".join(sorted(ground.standing.hidden))
    return (
        *(f"{part.value} left out: {why}" for part, why in draft.left_out.items()),
        *(
            [f"the integration user may not see {hidden}: what is lacking there is not noticed"]
            if hidden
            else ()
        ),
        *([UNSEEN] if ground.record is not None else ()),
    )
