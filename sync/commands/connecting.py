"""``colonnade disconnect``: end the connection to a portal. Connecting is ``install`` or the web page."""

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
    """End the connection to a HubSpot portal: the app is removed there, and its tokens are forgotten here.

    What was written into the portal stays, and so does what is known here: connecting again goes on from it.

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
            f"{installation} is connected as before: HubSpot did not remove the app ({error}); run again, "
            "or have an admin remove it in the portal, under Settings > Integrations > Connected apps"
        ) from error
    data = {"installation": done.installation, "ending": done.ending, "told": done.told}
    answer(data, as_json, lambda out: out.print(f"{installation} is disconnected: {done.told}."))
