"""``colonnade forget``: take a person out of everything we hold and wrote, and prove it by a search."""

from __future__ import annotations

from dataclasses import dataclass

import click
from rich.console import Console

from integration.port import CrmError
from sync.commands.output import Unusable, answer, json_option, rows_bar, table
from sync.config import read_settings
from sync.forget import ForgetPlan, Forgotten, Progress, carry_out, forget, meant, plan_forget
from sync.forget_whom import named
from sync.onboard import every_installation
from sync.person import Person
from sync.person_text import Traces
from sync.prove import Proof, prove
from sync.runtime import Runtime, open_runtime
from sync.state import persons
from sync.state.engine import reading
from sync.workspace import Workspace, open_workspace


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is told of one installation; what was not asked for is ``None``."""

    installation: str
    known_by: dict[str, int]
    plan: ForgetPlan | None = None
    done: Forgotten | None = None
    proof: Proof | None = None


@click.command("forget")
@click.argument("person")
@click.option("--installation", help="One only; all of them where left out.")
@click.option("--plan", "mode", flag_value="plan", default=True, help="Say what names the person (default).")
@click.option("--apply", "mode", flag_value="apply", help="Forget the person, then search for them.")
@click.option("--prove", "mode", flag_value="prove", help="Search only, in every place there is.")
@json_option
def forget_person(person: str, installation: str | None, mode: str, as_json: bool) -> None:
    """Forget a person: rows, files, Redis and the records we wrote; counts of the past stay right.

    PERSON is an e-mail address, an id, or an id that says of what: contact:ID, owner:ID, user:ID (of the
    CRM or of your product). Exit code 1 when the search after it finds them, or something was refused.

    Example: colonnade forget ann@customer.example --apply
    """
    runtime = open_runtime(read_settings())
    try:
        asked = named(person)
    except ValueError as error:
        raise Unusable(str(error)) from error
    with rows_bar() as bar:
        task = bar.add_task("Searching", total=None)

        def progress(what: str, count: int) -> None:
            bar.update(task, advance=count, description=f"Searching {what}")

        spaces = _workspaces(runtime, installation)
        whole = {one.id: meant(one, asked) for one in spaces}
        told = [_of(one, whole[one.id], mode, progress) for one in spaces]
        if mode == "apply":  # after all of them: their files and Redis are the same
            pairs = zip(spaces, told, strict=True)
            told = [_proven(space, whole[space.id], one, progress) for space, one in pairs]
    answer(told, as_json, lambda out: _show(out, told))
    if mode != "plan" and any(_is_left(one) for one in told):
        raise SystemExit(1)


def _workspaces(runtime: Runtime, installation: str | None) -> list[Workspace]:
    ids = [installation] if installation else [one.id for one in every_installation(runtime)]
    return [open_workspace(runtime, one) for one in ids]


def _of(ws: Workspace, person: Person, mode: str, progress: Progress) -> _Answer:
    known_by = {kind: len(values) for kind, values in _by_kind(person).items() if values}
    if mode == "plan":
        return _Answer(ws.id, known_by, plan=plan_forget(ws, person, progress))
    if mode == "prove":
        return _proven(ws, person, _Answer(ws.id, known_by), progress)
    with reading(ws.runtime.engine) as conn:
        begun = persons.under_way(conn, ws.runtime.box, ws.id)
    for job in begun:  # whoever was cut short comes first
        carry_out(ws, job, progress)
    return _Answer(ws.id, known_by, done=forget(ws, person, progress))


def _by_kind(person: Person) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind, value in person.marks():
        found.setdefault(kind, []).append(value)
    return found


def _proven(ws: Workspace, person: Person, told: _Answer, progress: Progress) -> _Answer:
    try:
        proof = prove(ws, Traces(person, ws.id), progress)
    except CrmError as error:
        raise Unusable(
            f"the records of {ws.id} cannot be searched now: {error}; run --prove again"
        ) from error
    return _Answer(told.installation, told.known_by, told.plan, told.done, proof)


def _is_left(one: _Answer) -> bool:
    return bool((one.proof and one.proof.hits) or (one.done and one.done.left))


def _show(out: Console, told: list[_Answer]) -> None:
    for one in told:
        if one.plan is not None:
            rows = [*one.plan.rows.items(), *((f"{name} in the CRM", n) for name, n in one.plan.crm.items())]
            out.print(table(f"{one.installation}: what names the person", ("where", "rows"), rows))
            for refusal in one.plan.refusals:
                out.print(f"In the way: {refusal}", markup=False)
            out.print("Nothing was changed; run again with --apply.")
        if one.done is not None:
            rows_done = sum(one.done.rows.values())
            out.print(
                f"{one.installation}: {rows_done} rows, {one.done.files} files, "
                f"{one.done.redis_keys} Redis keys and {one.done.crm_records} records rewritten."
            )
            for left in one.done.left:
                out.print(f"Left: {left}", markup=False)
        if one.proof is not None:
            _show_proof(out, one.installation, one.proof)


def _show_proof(out: Console, installation: str, proof: Proof) -> None:
    out.print(
        f"{installation}: searched {proof.rows} rows of {proof.columns} columns in {proof.tables} tables, "
        f"{proof.files} files, {proof.redis_keys} Redis keys, {proof.crm_records} records of "
        f"{proof.crm_objects} objects: {'nothing found' if not proof.hits else 'found in'}"
        f"{'.' if not proof.hits else ':'}"
    )
    for hit in proof.hits:
        out.print(f"  {hit.place} ({hit.count})", markup=False)
