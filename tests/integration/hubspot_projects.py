"""A developer project without a mistake, and every mistake it can be given, for the lint's tests."""

import json
from pathlib import Path

APP, HOOKS, CARD = (
    "src/app/app-hsmeta.json",
    "src/app/webhooks/webhooks-hsmeta.json",
    "src/app/cards/health-hsmeta.json",
)
PROJECT = "hsproject.json"


def subscription(event="object.creation", **more):
    """Return a subscription to companies."""
    return {"subscriptionType": event, "objectType": "company", "active": True, **more}


def right():
    """Return the files of a project without a mistake, written by hand after HubSpot's samples."""
    return {
        PROJECT: {"name": "sample", "srcDir": "src", "platformVersion": "2026.09"},
        APP: {
            "uid": "sample_app",
            "type": "app",
            "config": {
                "name": "Sample",
                "description": "A sample.",
                "distribution": "marketplace",
                "auth": {
                    "type": "oauth",
                    "redirectUrls": ["https://app.example.com/back", "http://localhost:3000"],
                    "requiredScopes": ["oauth", "crm.objects.companies.read"],
                    "optionalScopes": ["crm.objects.custom.read"],
                    "conditionallyRequiredScopes": [],
                },
                "permittedUrls": {"fetch": ["https://app.example.com"], "iframe": [], "img": []},
                "support": {"supportEmail": "help@example.com"},
            },
        },
        HOOKS: {
            "uid": "sample_webhooks",
            "type": "webhooks",
            "config": {
                "settings": {"targetUrl": "https://app.example.com/hooks", "maxConcurrentRequests": 10},
                "subscriptions": {
                    "crmObjects": [
                        subscription(),
                        subscription("object.propertyChange", propertyName="name"),
                    ],
                    "legacyCrmObjects": [{"subscriptionType": "contact.deletion", "active": False}],
                    "hubEvents": [{"subscriptionType": "contact.privacyDeletion", "active": True}],
                },
            },
        },
        CARD: {
            "uid": "health_card",
            "type": "card",
            "permissions": {"requiredScopes": ["crm.objects.deals.read"]},
            "config": {
                "name": "Health",
                "location": "crm.record.tab",
                "entrypoint": "/app/cards/Health.tsx",
                "objectTypes": ["companies"],
            },
        },
    }


def put(folder: Path, files) -> Path:
    """Write the files, and the card's entry point."""
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body if isinstance(body, str) else json.dumps(body, indent=2))
    (folder / "src/app/cards").mkdir(parents=True, exist_ok=True)
    (folder / "src/app/cards/Health.tsx").write_text("export default 1;")
    return folder


def at(files, name, *path):
    """Return the object in a file that holds the last part of a path."""
    found = files[name]
    for part in path:
        found = found[part]
    return found


def change(name, *path, to):
    """Return a change of one value."""

    def apply(files):
        at(files, name, *path[:-1])[path[-1]] = to

    return apply


def without(name, *path):
    """Return the removal of one key."""

    def apply(files):
        del at(files, name, *path[:-1])[path[-1]]

    return apply


def add(name, body):
    """Return the addition of a file."""

    def apply(files):
        files[name] = body

    return apply


def both(*changes):
    """Return several changes as one."""

    def apply(files):
        for one in changes:
            one(files)

    return apply


def component(kind, uid="extra", **config):
    """Return a small component."""
    return {"uid": uid, "type": kind, "config": config}


AUTH, SUBS = ("config", "auth"), ("config", "subscriptions")
PAGE = component("page", entrypoint="/app/cards/Health.tsx")
STATIC = both(
    change(APP, "config", "distribution", to="private"),
    change(APP, *AUTH, "type", to="static"),
    without(APP, *AUTH, "redirectUrls"),
)
MISTAKES = {
    "project: no name": (without(PROJECT, "name"), PROJECT, "name is missing"),
    "project: unknown key": (change(PROJECT, "sourceDir", to="x"), PROJECT, "the key 'sourceDir' is unknown"),
    "project: ended version": (
        change(PROJECT, "platformVersion", to="2025.1"),
        PROJECT,
        "HubSpot ended it on 2026-08-01",
    ),
    "project: version not listed": (
        change(PROJECT, "platformVersion", to="2023.2"),
        PROJECT,
        "rejected from 2026-11-02",
    ),
    "project: unknown version": (
        change(PROJECT, "platformVersion", to="2026.9"),
        PROJECT,
        "'2026.9' is no platform version",
    ),
    "project: no sources": (change(PROJECT, "srcDir", to="nothing"), PROJECT, "no folder nothing"),
    "project: sources outside": (change(PROJECT, "srcDir", to="../"), PROJECT, "no folder ../"),
    "no type": (without(CARD, "type"), CARD, "type is missing"),
    "unknown type": (change(CARD, "type", to="cards"), CARD, "'cards' is no component type"),
    "no uid": (without(CARD, "uid"), CARD, "uid is missing"),
    "bad uid": (change(CARD, "uid", to="health card"), CARD, "'health card' is no uid"),
    "long uid": (change(CARD, "uid", to="u" * 65), CARD, "is no uid"),
    "uid twice": (change(HOOKS, "uid", to="sample_app"), HOOKS, "has the uid 'sample_app' too"),
    "no config": (without(CARD, "config"), CARD, "config is missing"),
    "unknown key at the top": (change(CARD, "permission", to={}), CARD, "the key 'permission' is unknown"),
    "nested": (
        add("src/app/cards/deep/x-hsmeta.json", component("settings", entrypoint="/app/cards/Health.tsx")),
        "src/app/cards/deep/x-hsmeta.json",
        "lies elsewhere",
    ),
    "nested card": (
        add(
            "src/app/pages/deep/x-hsmeta.json",
            PAGE,
        ),
        "src/app/pages/deep/x-hsmeta.json",
        "folders inside a component's folder are not read",
    ),
    "two pages": (
        both(
            add("src/app/pages/a-hsmeta.json", PAGE), add("src/app/pages/b-hsmeta.json", {**PAGE, "uid": "b"})
        ),
        "src/app/pages/b-hsmeta.json",
        "there is one page only",
    ),
    "two webhooks": (
        add("src/app/webhooks/x-hsmeta.json", component("webhooks", settings={"targetUrl": "https://a.b/c"})),
        "src/app/webhooks/x-hsmeta.json",
        "there is one webhooks only",
    ),
    "webhooks and journal": (
        add("src/app/webhooks-journal/j-hsmeta.json", component("webhooks-journal")),
        "src/app/webhooks-journal/j-hsmeta.json",
        "webhooks or a webhooks journal, not both",
    ),
    "no app": (
        lambda files: (files.pop(APP), files.pop(CARD)),
        HOOKS,
        "belongs to an app, and there is none",
    ),
    "permissions too early": (
        change(PROJECT, "platformVersion", to="2026.03"),
        CARD,
        "platform version 2026.03 knows no permissions",
    ),
    "function of a listed app": (
        add(
            "src/app/functions/f-hsmeta.json",
            component("app-function", entrypoint="/app/cards/Health.tsx"),
        ),
        "src/app/functions/f-hsmeta.json",
        "needs a private app that signs in by static",
    ),
    "object of a private app": (
        both(STATIC, add("src/app/app-objects/o-hsmeta.json", component("app-object"))),
        "src/app/app-objects/o-hsmeta.json",
        "needs a marketplace app that signs in by oauth",
    ),
    "app: unknown distribution": (
        change(APP, "config", "distribution", to="public"),
        APP,
        "'public' is no distribution",
    ),
    "app: no distribution": (without(APP, "config", "distribution"), APP, "distribution is missing"),
    "app: marketplace with a static token": (
        both(change(APP, *AUTH, "type", to="static"), without(APP, *AUTH, "redirectUrls")),
        APP,
        "a marketplace app signs in by OAuth",
    ),
    "app: unknown sign-in": (change(APP, *AUTH, "type", to="jwt"), APP, "'jwt' is no way to sign in"),
    "app: nowhere to come back to": (
        change(APP, *AUTH, "redirectUrls", to=[]),
        APP,
        "needs an address to come back to",
    ),
    "app: static with a way back": (
        both(STATIC, change(APP, *AUTH, "redirectUrls", to=["https://a.b"])),
        APP,
        "a static app has no consent",
    ),
    "app: back over http": (
        change(APP, *AUTH, "redirectUrls", to=["http://app.example.com/back"]),
        APP,
        "is https, or http on localhost",
    ),
    "app: back to no address": (change(APP, *AUTH, "redirectUrls", to=["/back"]), APP, "is no address"),
    "app: no oauth scope": (
        change(APP, *AUTH, "requiredScopes", to=["tickets"]),
        APP,
        "needs the scope 'oauth'",
    ),
    "app: scope twice": (
        change(APP, *AUTH, "optionalScopes", to=["oauth"]),
        APP,
        "'oauth' stands in requiredScopes too",
    ),
    "app: Enterprise required": (
        change(APP, *AUTH, "requiredScopes", to=["oauth", "crm.schemas.custom.write"]),
        APP,
        "only Enterprise portals have",
    ),
    "app: scopes as text": (change(APP, *AUTH, "requiredScopes", to="oauth"), APP, "this is no list"),
    "app: unknown auth key": (
        change(APP, *AUTH, "redirectUrl", to=[]),
        APP,
        "the key 'redirectUrl' is unknown",
    ),
    "app: localhost permitted": (
        change(APP, "config", "permittedUrls", "fetch", to=["https://localhost:8000"]),
        APP,
        "localhost cannot be permitted",
    ),
    "app: http permitted": (
        change(APP, "config", "permittedUrls", "fetch", to=["http://app.example.com"]),
        APP,
        "only https origins",
    ),
    "app: a path permitted": (
        change(APP, "config", "permittedUrls", "img", to=["https://app.example.com/a"]),
        APP,
        "more than an origin",
    ),
    "card: unknown place": (
        change(CARD, "config", "location", to="crm.record.tabs"),
        CARD,
        "'crm.record.tabs' is no place",
    ),
    "card: no objects": (without(CARD, "config", "objectTypes"), CARD, "says on which"),
    "card: no entry point": (
        change(CARD, "config", "entrypoint", to="/app/cards/Gone.tsx"),
        CARD,
        "there is no file /app/cards/Gone.tsx",
    ),
    "workflow action over http": (
        add(
            "src/app/workflow-actions/w-hsmeta.json",
            component("workflow-action", actionUrl="http://a.example"),
        ),
        "src/app/workflow-actions/w-hsmeta.json",
        "https addresses only",
    ),
    "webhooks: over http": (
        change(HOOKS, "config", "settings", "targetUrl", to="http://app.example.com/hooks"),
        HOOKS,
        "webhooks go to https addresses only",
    ),
    "webhooks: no target": (without(HOOKS, "config", "settings", "targetUrl"), HOOKS, "targetUrl is missing"),
    "webhooks: five at once": (
        change(HOOKS, "config", "settings", "maxConcurrentRequests", to=5),
        HOOKS,
        "a number above 5",
    ),
    "webhooks: at once as a text": (
        change(HOOKS, "config", "settings", "maxConcurrentRequests", to="10"),
        HOOKS,
        "a number above 5",
    ),
    "webhooks: unknown event": (
        change(HOOKS, *SUBS, "crmObjects", to=[subscription("object.created")]),
        HOOKS,
        "'object.created' is no event of this list",
    ),
    "webhooks: a legacy event among the new": (
        change(HOOKS, *SUBS, "crmObjects", to=[subscription("contact.creation")]),
        HOOKS,
        "'contact.creation' is no event of this list",
    ),
    "webhooks: privacy among objects": (
        change(HOOKS, *SUBS, "legacyCrmObjects", to=[{"subscriptionType": "contact.privacyDeletion"}]),
        HOOKS,
        "is no event of this list",
    ),
    "webhooks: no object": (
        change(HOOKS, *SUBS, "crmObjects", to=[{"subscriptionType": "object.merge"}]),
        HOOKS,
        "objectType is missing",
    ),
    "webhooks: change of nothing": (
        change(HOOKS, *SUBS, "crmObjects", to=[subscription("object.propertyChange")]),
        HOOKS,
        "names its property",
    ),
    "webhooks: creation of a property": (
        change(HOOKS, *SUBS, "crmObjects", to=[subscription(propertyName="name")]),
        HOOKS,
        "only a propertyChange has a property",
    ),
    "webhooks: the modified date": (
        change(
            HOOKS,
            *SUBS,
            "crmObjects",
            to=[subscription("object.propertyChange", propertyName="hs_lastmodifieddate")],
        ),
        HOOKS,
        "nobody of changes of hs_lastmodifieddate",
    ),
    "webhooks: a custom object of a listed app": (
        change(HOOKS, *SUBS, "crmObjects", to=[{**subscription(), "objectType": "2-123456"}]),
        HOOKS,
        "private apps only",
    ),
    "webhooks: twice": (
        change(HOOKS, *SUBS, "crmObjects", to=[subscription(), subscription()]),
        HOOKS,
        "stands twice",
    ),
    "webhooks: active as a text": (
        change(HOOKS, *SUBS, "crmObjects", to=[{**subscription(), "active": "yes"}]),
        HOOKS,
        "true or false",
    ),
    "webhooks: an unknown list": (
        change(HOOKS, *SUBS, "crmObject", to=[]),
        HOOKS,
        "the key 'crmObject' is unknown",
    ),
    "webhooks: a thousand and one": (
        change(
            HOOKS,
            *SUBS,
            "crmObjects",
            to=[subscription("object.propertyChange", propertyName=f"p{n}") for n in range(999)],
        ),
        HOOKS,
        "1001 subscriptions are more than 1,000",
    ),
}
