"""``colonnade hubspot``: what concerns our HubSpot app as a whole, not one portal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

from integration.hubspot import project as projects
from integration.hubspot.hsmeta_config import Mistake
from integration.hubspot.hsmeta_lint import lint as mistakes_of
from integration.hubspot.project import AppProject, Distribution
from integration.hubspot.subscriptions import subscriptions_for
from integration.hubspot.versions import VersionLife, every_life
from integration.project_folder import write
from mappings.charter import Charter
from mappings.inbound import watched_fields
from mappings.load import load_charter
from sync.addresses import HUBSPOT_PATH
from sync.clock import WallClock
from sync.commands.installing import DEFAULT_CHARTER
from sync.commands.output import Unusable, answer, json_option, table
from sync.config import ConfigError, Settings, read_settings
from sync.consent_hubspot import CALLBACK
from sync.scopes import HUBSPOT, app_scopes


def app_charter(settings: Settings) -> Charter:
    """Return the charter new portals begin with, which our app's scopes and subscriptions are made of."""
    return load_charter(settings.charter or DEFAULT_CHARTER, HUBSPOT)


@click.group()
def hubspot() -> None:
    """Look after the HubSpot app itself."""


@hubspot.command()
@click.option("--warn", is_flag=True, help="Say nothing but what is to be warned of.")
@click.option(
    "--on", type=click.DateTime(formats=["%Y-%m-%d"]), help="As if it were this day; today by default."
)
@json_option
def versions(warn: bool, on: datetime | None, as_json: bool) -> None:
    """Say how long the versions of HubSpot's API are supported; warns 90 days ahead, and never fails.

    Example: colonnade hubspot versions --warn
    """
    lives = every_life((on or WallClock().now()).date())
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
    answer(told, as_json, lambda console: _show_versions(console, lives, warn))


@hubspot.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder.")
@click.option(
    "--distribution",
    type=click.Choice([one.value for one in Distribution]),
    default=Distribution.MARKETPLACE.value,
    help="`private`: up to ten portals of your choice, and push for custom objects.",
)
@click.option("--support-email", help="Whom a portal's admin may write to.")
@click.option("--support-url", help="Where a portal's admin finds help.")
@click.option("--replace", is_flag=True, help="Replace files that are there and differ.")
@json_option
def project(
    out: Path,
    distribution: str,
    support_email: str | None,
    support_url: str | None,
    replace: bool,
    as_json: bool,
) -> None:
    """Write the developer project of the app, for HubSpot's own CLI to upload (`hs project upload`).

    Its addresses come from CS_PUBLIC_URL, its scopes and webhook subscriptions from the charter.

    Example: colonnade hubspot project --out hubspot-app
    """
    settings = read_settings()
    if settings.public_url is None:
        raise ConfigError("CS_PUBLIC_URL is not set; give the https:// address at which HubSpot reaches us")
    charter, kind = app_charter(settings), Distribution(distribution)
    watched = watched_fields(charter, HUBSPOT)
    support = {"supportEmail": support_email, "supportUrl": support_url}
    made = AppProject(
        public_url=settings.public_url,
        redirect_path=CALLBACK,
        webhook_path=HUBSPOT_PATH,
        scopes=app_scopes(charter),
        subscriptions=subscriptions_for(watched, custom_objects=kind is Distribution.PRIVATE),
        distribution=kind,
        support={name: value for name, value in support.items() if value},
    )
    files = projects.render(made)
    write(files, out, replace=replace)
    data = {
        "folder": str(out),
        "files": sorted(files),
        "required_scopes": made.scopes.required,
        "optional_scopes": made.scopes.optional,
        "subscriptions": made.subscriptions.count,
        "left_out": made.subscriptions.left_out,
        "mistakes": mistakes_of(out),
    }
    answer(data, as_json, lambda console: _show_project(console, out, files, made))


@hubspot.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@json_option
def lint(folder: Path, as_json: bool) -> None:
    """Find every mistake of a developer project, before HubSpot does; exit code 1 when there is one.

    Example: colonnade hubspot lint hubspot-app
    """
    if not folder.is_dir():
        raise Unusable(f"{folder}: there is no such folder; name the one that holds hsproject.json")
    found = mistakes_of(folder)
    answer(found, as_json, lambda console: _show_mistakes(console, found))
    if found:
        raise SystemExit(1)


def _show_versions(console: Console, lives: Sequence[VersionLife], warn: bool) -> None:
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
    if not warn:
        console.print(table("HubSpot's API", columns, rows))
    for one in lives:
        if one.is_default and one.warning:
            console.print(f"Warning: {one.warning}", style="yellow", soft_wrap=True)


def _show_project(console: Console, out: Path, files: Mapping[str, str], made: AppProject) -> None:
    for name in sorted(files):
        console.print(f"{out}/{name}", markup=False, soft_wrap=True)
    counts = f"{len(made.scopes.required)} scopes, {made.subscriptions.count} webhook subscriptions"
    console.print(f"{counts}. Upload it with `hs project upload`, then set CS_HUBSPOT_CLIENT_ID and")
    console.print("CS_HUBSPOT_CLIENT_SECRET from the app's Auth page.")
    for name, why in made.subscriptions.left_out.items():
        console.print(f"No push for {name}: {why}.", markup=False)


def _show_mistakes(console: Console, found: Sequence[Mistake]) -> None:
    for one in found:
        at = f" ({one.path})" if one.path else ""
        console.print(f"{one.file}:{one.line}: {one.matter}{at}. {one.remedy}", markup=False, soft_wrap=True)
    console.print(f"{len(found)} mistakes." if found else "No mistakes.")
