"""``colonnade disconnect``: end the connection to a portal or org. ``install`` or a web page connects."""

from __future__ import annotations

import click

from integration.port import Misconfigured, Refused, Unavailable
from sync.commands.output import Unusable, answer, json_option
from sync.config import read_settings
from sync.disconnect import disconnect as end_connection
from sync.runtime import open_runtime
from sync.state import installations
from sync.state.engine import reading


@click.command()
@click.argument("installation")
@click.option("--yes", is_flag=True, help="Do not ask before.")
@json_option
def disconnect(installation: str, yes: bool, as_json: bool) -> None:
    """End the connection to a portal or org: HubSpot removes the app, Salesforce revokes its tokens.

    What opened it is forgotten here. What was written there stays, and so does what is known here:
    connecting again goes on from it.

    Example: colonnade disconnect hubspot-24680135
    """
    runtime = open_runtime(read_settings())
    with reading(runtime.engine) as conn:
        name = installations.get(conn, installation).name
    if not yes:
        click.confirm(f"Disconnect {name} ({installation})?", abort=True, err=True)
    try:
        done = end_connection(runtime, installation)
    except (Misconfigured, Refused, Unavailable) as error:
        raise Unusable(
            f"{installation} is connected as before: {_what_failed(installation)} ({error}); run again, or "
            f"have an admin {_by_hand(installation)}"
        ) from error
    data = {"installation": done.installation, "ending": done.ending, "told": done.told}
    answer(data, as_json, lambda out: out.print(f"{installation} is disconnected: {done.told}."))


def _what_failed(installation: str) -> str:
    return "HubSpot did not remove the app" if _is_portal(installation) else "the tokens were not revoked"


def _by_hand(installation: str) -> str:
    if _is_portal(installation):
        return "remove it in the portal, under Settings > Integrations > Connected apps"
    return "revoke them in the org, under Setup > OAuth Usage"


def _is_portal(installation: str) -> bool:
    return installation.startswith("hubspot-")
