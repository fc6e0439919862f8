"""``colonnade salesforce``: what concerns our Salesforce package as a whole, not one org."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console

from integration.project_folder import write
from integration.salesforce.generated import generated_files
from integration.salesforce.messages import message_files
from integration.salesforce.project import TOGETHER, PackageProject, archive, parts, render_project
from mappings.charter import Charter
from mappings.inbound import watched_fields
from mappings.load import load_charter
from mappings.naming import SALESFORCE
from mappings.org_views import band_views
from mappings.outbound import object_specs
from sync.addresses import SALESFORCE_PATH
from sync.commands.installing import DEFAULT_CHARTER
from sync.commands.output import Unusable, answer, json_option
from sync.config import read_settings


@click.group()
def salesforce() -> None:
    """Look after the Salesforce package itself."""


@salesforce.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder.")
@click.option(
    "--dashboards/--no-dashboards", default=True, help="Leave the dashboards out where the org has no room."
)
@click.option("--events", is_flag=True, help="Add the channel of change events; not in Professional Edition.")
@click.option("--messages", metavar="ADDRESS", help="Add outbound messages to this installation's address.")
@click.option(
    "--messages-user", metavar="USERNAME", help="The integration user: sends them, and causes none."
)
@click.option("--contact-email", help="Add the external client app; whom the org's admin may write to.")
@click.option(
    "--archive",
    "archive_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write core, dashboards, generated and messages as one zip for the Metadata API as well.",
)
@click.option("--replace", is_flag=True, help="Replace files that are there and differ.")
@json_option
def project(
    out: Path,
    dashboards: bool,
    events: bool,
    messages: str | None,
    messages_user: str | None,
    contact_email: str | None,
    archive_file: Path | None,
    replace: bool,
    as_json: bool,
) -> None:
    """Write the package as a project for Salesforce's own CLI to deploy (`sf project deploy start`).

    The core is the same for every org; `generated` holds what the charter (CS_CHARTER) adds.

    Example: colonnade salesforce project --out salesforce-package
    """
    charter = load_charter(read_settings().charter or DEFAULT_CHARTER, SALESFORCE)
    generated = generated_files(object_specs(charter, SALESFORCE), band_views(charter))
    told = _messages(charter, messages, messages_user)
    made = PackageProject(generated, contact_email, events=events, dashboards=dashboards, messages=told)
    files = render_project(made)
    if archive_file is not None and archive_file.exists() and not replace:
        raise Unusable(f"{archive_file}: there already; give another --archive, or --replace")
    write(files, out, replace=replace)
    if archive_file is not None:
        archive_file.write_bytes(archive(made))
    counts = {name: len(held) for name, held in parts(made).items()}
    data = {
        "folder": str(out),
        "parts": counts,
        "generated": sorted(generated),
        "archive": None if archive_file is None else str(archive_file),
    }
    answer(data, as_json, lambda console: _show(console, out, counts, archive_file))


def _messages(charter: Charter, address: str | None, username: str | None) -> dict[str, str]:
    """Return the outbound messages of the objects a charter reads; none unless they are asked for."""
    if address is None and username is None:
        return {}
    if address is None or username is None:
        raise Unusable("give --messages and --messages-user together: where messages go, and as whom")
    if SALESFORCE_PATH not in address:
        raise Unusable("--messages: this is no address of ours; `colonnade sync addresses` makes one")
    return message_files(watched_fields(charter, SALESFORCE), address, username)


def _show(console: Console, out: Path, counts: Mapping[str, int], archive_file: Path | None) -> None:
    for name, count in counts.items():
        console.print(f"{out}/{name}: {count} files", markup=False, soft_wrap=True)
    if archive_file is not None:
        console.print(
            f"{archive_file}: {', '.join(name for name in counts if name in TOGETHER)}",
            markup=False,
            soft_wrap=True,
        )
    console.print(f"Deploy it from {out} with:", markup=False, soft_wrap=True)
    for name in counts:
        console.print(f"  sf project deploy start --source-dir {name}", markup=False)
    console.print("Then install as the integration user: colonnade install salesforce --apply")
