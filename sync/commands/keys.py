"""``colonnade keys``: the keys that seal secrets: a new one, by which everything is sealed, sealing anew."""

from __future__ import annotations

import click
from rich.console import Console

from sync.commands.output import answer, json_option
from sync.config import read_settings
from sync.runtime import open_runtime
from sync.state.sealed import Rotated, Standing, rotate, standing
from sync.state.secrets import new_key


@click.group()
def keys() -> None:
    """Change the keys that seal secrets in the database.

    Example: colonnade keys rotate
    """


@keys.command("new")
@json_option
def new(as_json: bool) -> None:
    """Print a fresh random key for CS_SECRET_KEYS; nothing is kept of it.

    Example: colonnade keys new
    """
    made = new_key()
    answer({"key": made}, as_json, lambda _out: click.echo(made))


@keys.command("status")
@json_option
def status(as_json: bool) -> None:
    """Say by which of the keys the secrets are sealed. Exit code 1 when some open with none of them.

    Example: colonnade keys status
    """
    runtime = open_runtime(read_settings())
    found = standing(runtime.engine, runtime.box)
    answer(found, as_json, lambda out: _show_standing(out, found))
    if found.unopened:
        raise SystemExit(1)


@keys.command("rotate")
@json_option
def rotate_keys(as_json: bool) -> None:
    """Seal every secret with the first of CS_SECRET_KEYS; workers may go on meanwhile.

    Each process has to know the first key before this: give it to all of them behind the old one, start
    them, put it in front, start them again. Exit code 1 when some secret opens with none of the keys.

    Example: colonnade keys rotate
    """
    runtime = open_runtime(read_settings())
    done = rotate(runtime.engine, runtime.box)
    left = standing(runtime.engine, runtime.box)
    data = {"done": done, "standing": left}
    answer(data, as_json, lambda out: _show_rotated(out, done, left))
    if left.unopened:
        raise SystemExit(1)


def _show_rotated(out: Console, done: Rotated, left: Standing) -> None:
    out.print(f"{done.sealed} secrets sealed anew, {done.right} were right already.")
    if done.changed_meanwhile:
        out.print(f"{done.changed_meanwhile} were saved by a worker meanwhile.")
    _show_standing(out, left)


def _show_standing(out: Console, found: Standing) -> None:
    for place, count in enumerate(found.by_key, start=1):
        needless = "; it may go" if place > 1 and not count else ""
        out.print(f"Key {place} seals {count} secrets{needless}.")
    if found.unopened:
        out.print(
            f"{found.unopened} open with none of the keys: put the key that sealed them back at the end."
        )
