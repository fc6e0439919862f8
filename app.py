"""The composition root: the web application and the ``colonnade`` command. No logic here.

``create_app`` is what gunicorn serves; ``main`` is the command. Both only put together what
``webhooks`` and ``sync`` offer.
"""

from __future__ import annotations

import sys

import click
from flask import Flask

from sync.commands.backtesting import backtest
from sync.commands.benching import bench
from sync.commands.chaos import chaos
from sync.commands.chartering import charter
from sync.commands.comparing import parity
from sync.commands.connecting import disconnect
from sync.commands.demonstration import demo, serve
from sync.commands.forgetting import forget_person
from sync.commands.hubspot_app import hubspot
from sync.commands.installing import install
from sync.commands.keys import keys
from sync.commands.metrics import metrics
from sync.commands.modelling import model
from sync.commands.output import EXPECTED, explained
from sync.commands.processes import listen, migrate, scheduler, worker
from sync.commands.removing import uninstall
from sync.commands.salesforce_app import salesforce
from sync.commands.sandboxes import portfolio, sandbox
from sync.commands.showing import doctor, explain
from sync.commands.snapshots import snapshots
from sync.commands.syncing import sync
from sync.commands.usage_sources import usage
from sync.runtime import Runtime, process_runtime
from webhooks.answers import answer_troubles
from webhooks.console import console_blueprint
from webhooks.health import health_blueprint
from webhooks.hubspot import hubspot_blueprint
from webhooks.hubspot_connect import hubspot_connect_blueprint
from webhooks.metrics import metrics_blueprint
from webhooks.salesforce import salesforce_blueprint
from webhooks.salesforce_connect import salesforce_connect_blueprint
from webhooks.tracing import trace_requests
from webhooks.usage import usage_blueprint
from webhooks.usage_files import usage_files_blueprint

COMMANDS = (
    backtest,
    bench,
    chaos,
    charter,
    demo,
    disconnect,
    doctor,
    explain,
    forget_person,
    hubspot,
    install,
    keys,
    listen,
    metrics,
    migrate,
    model,
    parity,
    portfolio,
    salesforce,
    sandbox,
    scheduler,
    serve,
    snapshots,
    sync,
    uninstall,
    usage,
    worker,
)
BODY_MAX = 8_000_000
BLUEPRINTS = (
    console_blueprint,
    health_blueprint,
    hubspot_blueprint,
    hubspot_connect_blueprint,
    metrics_blueprint,
    salesforce_blueprint,
    salesforce_connect_blueprint,
    usage_blueprint,
    usage_files_blueprint,
)


def create_app(runtime: Runtime | None = None) -> Flask:
    """Return the web application over ``runtime``, or over this process's environment."""
    app = Flask("colonnade")
    app.config["MAX_CONTENT_LENGTH"] = BODY_MAX
    opened = runtime or process_runtime()
    for make in BLUEPRINTS:
        app.register_blueprint(make(opened))
    answer_troubles(app)
    trace_requests(app)
    return app


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="colonnade")
def cli() -> None:
    """Put customer success inside the CRM.

    Example: colonnade demo
    """


for _command in COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Run the command; what can be expected to go wrong is one clear error and exit code 2."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except EXPECTED as error:
        click.echo(f"Error: {explained(error)}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
