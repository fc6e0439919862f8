"""``colonnade hubspot``: what concerns our HubSpot app as a whole, not one portal."""

from __future__ import annotations

import click
from rich.console import Console

from integration.hubspot.versions import VersionLife, every_life
from sync.clock import WallClock
from sync.commands.output import answer, json_option, table


@click.group()
def hubspot() -> None:
    """Look after the HubSpot app itself."""


@hubspot.command()
@json_option
def versions(as_json: bool) -> None:
    """Say how long the versions of HubSpot's API are supported; warns 90 days ahead, and never fails.

    Example: colonnade hubspot versions
    """
    lives = every_life(WallClock().now().date())
    told = [
        {
            "version": one.version,
            "default": one.is_default,
            "unsupported_on": one.unsupported_on,
            "first_to_go": one.first_to_go,
            "days_left": one.days_left,
            "warning": one.warning if one.is_default else "",
        }
        for one in lives
    ]
    answer(told, as_json, lambda console: _show(console, lives))


def _show(console: Console, lives: list[VersionLife]) -> None:
    rows = [
        (
            one.version,
            "built on" if one.is_default else "",
            one.unsupported_on,
            one.days_left,
            one.first_to_go,
        )
        for one in lives
    ]
    columns = ("version", "", "unsupported on", "days left", "first to go")
    console.print(table("HubSpot's API", columns, rows))
    for one in lives:
        if one.is_default and one.warning:
            console.print(f"Warning: {one.warning}", style="yellow")
