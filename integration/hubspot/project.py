"""The developer project of our HubSpot app, rendered for one deployment from ``package/``.

HubSpot's CLI uploads it (``hs project upload``). The scopes in it are those the connect page
asks for, since HubSpot compares the two. Pages "Create an app" and "App configuration".
Neighbours: ``scopes``, ``subscriptions``; ``hsmeta_lint`` checks what was rendered or changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from integration.hubspot.scopes import Scopes
from integration.hubspot.subscriptions import Subscriptions

PACKAGE: Final = Path(__file__).parent / "package"
APP_FILE: Final = "src/app/app-hsmeta.json"
WEBHOOKS_FILE: Final = "src/app/webhooks/webhooks-hsmeta.json"


class Distribution(StrEnum):
    """How portals come to the app: any of them, or up to ten allow-listed ones."""

    MARKETPLACE = "marketplace"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class AppProject:
    """What a deployment adds to the package. ``support`` is left out of the file where empty."""

    public_url: str
    redirect_path: str
    webhook_path: str
    scopes: Scopes
    subscriptions: Subscriptions
    distribution: Distribution = Distribution.MARKETPLACE
    support: Mapping[str, str] | None = None


def render(project: AppProject) -> dict[str, str]:
    """Return every file of the project by its path.

    Raises ValueError where the public address is not one HubSpot may be given.
    """
    address = urlsplit(project.public_url)
    if address.scheme != "https" or not address.hostname:
        raise ValueError(
            f"CS_PUBLIC_URL: HubSpot takes https addresses only, not {project.public_url}; "
            "give the https:// address at which HubSpot reaches this program"
        )
    files = {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(PACKAGE.rglob("*"))
        if path.is_file()
    }
    files[APP_FILE] = _text(_app(json.loads(files[APP_FILE]), project))
    files[WEBHOOKS_FILE] = _text(_webhooks(json.loads(files[WEBHOOKS_FILE]), project))
    return files


def _app(body: dict[str, Any], project: AppProject) -> dict[str, Any]:
    config = body["config"]
    config["distribution"] = project.distribution.value
    config["auth"]["redirectUrls"] = [project.public_url + project.redirect_path]
    config["auth"]["requiredScopes"] = list(project.scopes.required)
    config["auth"]["optionalScopes"] = list(project.scopes.optional)
    config["permittedUrls"]["fetch"] = [f"https://{urlsplit(project.public_url).netloc}"]
    if project.support:
        config["support"] = dict(project.support)
    return body


def _webhooks(body: dict[str, Any], project: AppProject) -> dict[str, Any]:
    body["config"]["settings"]["targetUrl"] = project.public_url + project.webhook_path
    body["config"]["subscriptions"] = {name: list(part) for name, part in project.subscriptions.body.items()}
    return body


def _text(body: Mapping[str, Any]) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"
