"""Our own lint of a HubSpot developer project, before anything is uploaded.

HubSpot validates only with an account, and its parser lets a component without a type pass.
Every mistake is told at once, with file, line and remedy. Neighbours: ``hsmeta_config`` has
the rules inside a component, ``project`` renders what should have no mistake.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from integration.hubspot import hsmeta_rules as rules
from integration.hubspot.hsmeta_config import (
    MetaFile,
    Mistake,
    check_app,
    check_card,
    check_entrypoint,
    check_scopes,
    check_webhooks,
    check_workflow_action,
)
from integration.hubspot.hsmeta_json import Document, read_document

PROJECT_FILE: Final = "hsproject.json"
META: Final = "-hsmeta.json"
_NEEDS_ENTRYPOINT: Final = frozenset({"page", "settings", "crm-bulk-action", rules.FUNCTION})


def lint(folder: Path) -> list[Mistake]:
    """Return every mistake of the project in ``folder``, by file and line. Reads files only."""
    mistakes: list[Mistake] = []
    project = _read(folder / PROJECT_FILE, PROJECT_FILE, folder, mistakes)
    if project is None:
        return mistakes
    version, source = _check_project(project, folder)
    if source is None:
        return sorted(mistakes)
    names = sorted(path for path in source.rglob(f"*{META}") if "node_modules" not in path.parts)
    read = (_read(path, path.relative_to(folder).as_posix(), source, mistakes) for path in names)
    files = [file for file in read if file is not None]
    if not names:
        project.say(("srcDir",), f"there is no *{META} file below it", "Add src/app/app-hsmeta.json.")
    for file in files:
        _check_head(file, version)
    _check_together(files)
    app = next((file for file in files if file.get(("type",)) == rules.APP), None)
    for file in files:
        _check_component(file, app)
    return sorted(mistakes)


def _read(path: Path, name: str, source: Path, mistakes: list[Mistake]) -> MetaFile | None:
    """Return the file, or tell why it cannot be read."""
    try:
        document = read_document(path.read_text(encoding="utf-8"))
    except OSError as error:
        remedy = "Name the folder that holds hsproject.json." if name == PROJECT_FILE else "Correct it."
        mistakes.append(Mistake(name, 1, "", f"the file cannot be read: {error.strerror}", remedy))
        return None
    except json.JSONDecodeError as error:
        matter = f"this is no JSON: {error.msg} (column {error.colno})"
        mistakes.append(Mistake(name, error.lineno, "", matter, "Mend the syntax here or just before."))
        return None
    except (UnicodeDecodeError, RecursionError):
        mistakes.append(Mistake(name, 1, "", "this is no JSON in UTF-8", "Save it as UTF-8 JSON."))
        return None
    return _opened(MetaFile(name, document, source, mistakes), document)


def _opened(file: MetaFile, document: Document) -> MetaFile | None:
    for path in document.twice:
        file.say(path, f"the key {path[-1]!r} stands twice; the last one counts", "Leave one out.")
    if not isinstance(document.value, dict):
        file.say((), "this is no JSON object", "Write { … }.")
        return None
    return file


def _check_project(file: MetaFile, folder: Path) -> tuple[str, Path | None]:
    """Check hsproject.json; return its platform version and source folder, ``None`` where there is none."""
    file.members((), rules.PROJECT_KEYS)
    file.text(("name",), "Give the project's name.")
    version = file.text(("platformVersion",), f"Write {rules.PLATFORM_VERSIONS[-2]!r}.")
    if version in rules.SUNSET_VERSIONS:
        matter = f"platform version {version}: {rules.SUNSET_VERSIONS[version]}"
        file.say(("platformVersion",), matter, "Write '2026.09'.")
    elif version and version not in {*rules.PLATFORM_VERSIONS, "unstable"}:
        remedy = f"Write one of {', '.join(rules.PLATFORM_VERSIONS)}."
        file.say(("platformVersion",), f"{version!r} is no platform version", remedy)
    named = file.text(("srcDir",), "Write 'src'.")
    source = folder / named
    if not named:
        return version, None
    if not source.resolve().is_relative_to(folder.resolve()) or not source.is_dir():
        file.say(("srcDir",), f"there is no folder {named} in the project", "Name the folder of the sources.")
        return version, None
    return version, source


def _check_head(file: MetaFile, version: str) -> None:
    """Check what every component has: uid, type and config, in its type's own folder."""
    file.members((), rules.TOP_KEYS)
    uid = file.text(("uid",), "Give it a uid that no other component has.")
    if uid and not re.fullmatch(rules.UID, uid):
        remedy = "Use at most 64 letters, digits, dots, hyphens and underscores."
        file.say(("uid",), f"{uid!r} is no uid", remedy)
    kind = file.text(("type",), f"Write one of {', '.join(rules.COMPONENTS)}.")
    if not isinstance(file.get(("config",)), dict):
        file.say(("config",), "config is missing", "Add a config object.")
    if file.get(("permissions",)) is not None and version and not rules.supports_permissions(version):
        file.say(
            ("permissions",),
            f"platform version {version} knows no permissions of a component",
            "Move to platformVersion 2026.09, or leave them out.",
        )
    if file.get(("permissions",)) is not None:
        file.members(("permissions",), rules.SCOPE_KEYS)
        check_scopes(file, ("permissions",), is_oauth=False)
    if kind:
        _check_place(file, kind)


def _check_place(file: MetaFile, kind: str) -> None:
    component = rules.COMPONENTS.get(kind)
    if component is None:
        file.say(("type",), f"{kind!r} is no component type", f"Write one of {', '.join(rules.COMPONENTS)}.")
        return
    lies = Path(file.name).parent.as_posix()
    belongs = f"{file.source.name}/{component.folder}"
    if lies != belongs:
        nested = lies.startswith(f"{belongs}/")
        matter = "folders inside a component's folder are not read" if nested else f"a {kind} lies elsewhere"
        file.say((), matter, f"Move the file to {belongs}/.")


def _check_together(files: Sequence[MetaFile]) -> None:
    """Check what only shows across files: uids, components of which there is one, the app itself."""
    by_uid: defaultdict[Any, list[MetaFile]] = defaultdict(list)
    by_type: defaultdict[Any, list[MetaFile]] = defaultdict(list)
    for file in files:
        by_uid[str(file.get(("uid",)))].append(file)
        by_type[str(file.get(("type",)))].append(file)
    for uid, holders in by_uid.items():
        for file in holders[1:] if uid != "None" else ():
            file.say(("uid",), f"{holders[0].name} has the uid {uid!r} too", "Give each component its own.")
    for kind, holders in by_type.items():
        component = rules.COMPONENTS.get(kind)
        for file in holders[1:] if component is not None and component.single else ():
            file.say((), f"there is one {kind} only, and {holders[0].name} is it", "Join the two.")
    for file in by_type[rules.JOURNAL] if by_type[rules.WEBHOOKS] else ():
        file.say((), "an app has webhooks or a webhooks journal, not both", "Leave one out.")
    for file in files if not by_type[rules.APP] else ():
        component = rules.COMPONENTS.get(str(file.get(("type",))))
        if component is not None and component.folder.startswith("app/"):
            file.say((), "it belongs to an app, and there is none", "Add src/app/app-hsmeta.json.")


def _check_component(file: MetaFile, app: MetaFile | None) -> None:
    kind = str(file.get(("type",)))
    distribution = str(app.get(("config", "distribution"))) if app is not None else ""
    if kind == rules.APP:
        check_app(file)
    elif kind == rules.CARD:
        check_card(file)
    elif kind == rules.WEBHOOKS:
        check_webhooks(file, distribution)
    elif kind == rules.WORKFLOW_ACTION:
        check_workflow_action(file)
    elif kind in _NEEDS_ENTRYPOINT:
        check_entrypoint(file)
    component = rules.COMPONENTS.get(kind)
    if component is None or app is None:
        return
    auth = str(app.get(("config", "auth", "type")))
    if component.auths and (auth not in component.auths or distribution not in component.distributions):
        distributions, auths = ", ".join(component.distributions), ", ".join(component.auths)
        wanted = f"{distributions} app that signs in by {auths}"
        file.say(("type",), f"{kind} needs a {wanted}", f"Leave it out, or make {app.name} one.")
