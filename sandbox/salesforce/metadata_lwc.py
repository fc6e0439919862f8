"""Lightning web components: the files of a bundle, what they import, and where a page may show them.

Nothing is compiled. Checked are the configuration file, the template's root, the class, and that every field
and module imported is there; Apex is none here, so what calls it is refused. Sources: Lightning Web
Components Developer Guide, "XML Configuration File Elements", "Component Folder", "@salesforce Modules";
words of the refusals from public deploy logs. Neighbours: ``metadata_apply`` hands the bundles over,
``metadata_pages`` asks whether a page may show one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final
from xml.etree import ElementTree as ET

from sandbox.salesforce.metadata_fields import Problem
from sandbox.salesforce.metadata_scope import Scope, check_label, check_root, needed, one_of, texts
from sandbox.salesforce.metadata_zip import NS, Package, children, text_of
from sandbox.salesforce.schema import SObject

BUNDLE: Final = "LightningComponentBundle"
RECORD_PAGE: Final = "lightning__RecordPage"
_FOLDER: Final = "lwc/"
_NAME = re.compile(r"[a-z](?:_?[a-zA-Z0-9])*")
_TARGETS: Final = (RECORD_PAGE, "lightning__AppPage", "lightning__HomePage")
_PARTS: Final = frozenset(
    {"apiVersion", "description", "isExposed", "masterLabel", "targets", "targetConfigs"}
)
_IMPORT = re.compile(r"""^\s*import\s+(?:[^'";]+\s+from\s+)?['"]([^'"]+)['"]""", re.MULTILINE)
_CLASS = re.compile(r"export\s+default\s+class\s+\w+\s+extends\s+LightningElement\b")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SCHEMA: Final = "@salesforce/schema/"
# What this stand-in knows of the platform's modules.
_MODULES: Final = frozenset({"lwc", "lightning/uiRecordApi"})


def bundles_of(package: Package) -> dict[str, dict[str, str]]:
    """Return the files of each bundle by the bundle's name and their own."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for path, data in sorted(package.files.items()):
        if path.startswith(_FOLDER):
            name, _, file = path.removeprefix(_FOLDER).partition("/")
            found[name][file] = data.decode("utf-8", "replace")
    return dict(found)


def bundle(scope: Scope, name: str, files: Mapping[str, str]) -> None:
    """Check a bundle and remember where it may be shown. Raises Problem or ParseError."""
    if not _NAME.fullmatch(name):
        raise Problem(f"Invalid name {name}: it begins with a small letter and holds letters and digits")
    odd = [one for one in files if one.partition(".")[0] != name]
    if odd:
        raise Problem(f"{odd[0]} is not named like its folder {name}")
    if f"{name}.js-meta.xml" not in files:
        raise Problem(f"Cannot find Lightning Component Bundle configuration file {name}.js-meta.xml")
    if f"{name}.js" not in files:
        raise Problem(f"Cannot find the module {name}.js of the Lightning Component Bundle {name}")
    scope.details[f"{BUNDLE}:{name}"] = _configured(scope, ET.fromstring(files[f"{name}.js-meta.xml"]))
    _check_module(scope, f"{name}.js", files[f"{name}.js"])
    _check_template(f"{name}.html", files.get(f"{name}.html"))


def shown_on(scope: Scope, name: str, obj: SObject) -> bool:
    """Say whether a component of that name is in the org; refuse one that a page of the object may not show.

    Raises Problem.
    """
    if not scope.holds(BUNDLE, name):
        return False
    held: dict[str, Any] = scope.details[f"{BUNDLE}:{name}"]
    if not held["exposed"] or RECORD_PAGE not in held["targets"]:
        raise Problem(f"The component {name} isn't available for record pages")
    if held["objects"] and obj.name not in held["objects"]:
        raise Problem(f"The component {name} isn't supported for the object {obj.name}")
    scope.uses.add((BUNDLE, name))
    return True


def _configured(scope: Scope, root: ET.Element) -> dict[str, Any]:
    check_root(root, BUNDLE, _PARTS)
    needed(root, "apiVersion")
    exposed = one_of(needed(root, "isExposed"), ("true", "false"), "boolean") == "true"
    if text_of(root, "masterLabel") is not None:
        check_label(root, "masterLabel")
    targets = [one for element in children(root, "targets") for one in texts(element, "target")]
    for target in targets:
        one_of(target, _TARGETS, "LightningTarget")
    objects: list[str] = []
    for config in root.findall(f"{NS}targetConfigs/{NS}targetConfig"):
        for target in (config.get("targets") or "").split(","):
            if target.strip() not in targets:
                raise Problem(f"targetConfig names a target that the component has not: {target.strip()}")
        named = [one for held in children(config, "objects") for one in texts(held, "object")]
        objects += [scope.object(name, "object").name for name in named]
    return {"exposed": exposed, "targets": targets, "objects": objects}


def _check_module(scope: Scope, file: str, text: str) -> None:
    if not _CLASS.search(text):
        raise Problem(f"{file}: no class that extends LightningElement is exported as default")
    for module in _IMPORT.findall(text):
        if module.startswith(_SCHEMA):
            _check_reference(scope, file, module.removeprefix(_SCHEMA))
        elif module.startswith("@salesforce/apex/"):
            name = module.removeprefix("@salesforce/apex/")
            raise Problem(f"Unable to find Apex action class referenced as '{name}'.")
        elif module not in _MODULES:
            raise Problem(f"The sandbox does not know the module {module} that {file} imports")


def _check_reference(scope: Scope, file: str, name: str) -> None:
    """Check that an object or field imported from the schema is there."""
    object_name, _, field_name = name.partition(".")
    obj = scope.schema.get(object_name)
    if obj is None or obj.name != object_name:
        raise Problem(f"Invalid reference {name} of type sobject in file {file}")
    if field_name:
        found = obj.get(field_name)
        if found is None or found.name != field_name:
            raise Problem(f"Invalid reference {name} of type sobjectField in file {file}")
        scope.uses.add(("CustomField", f"{obj.name}.{found.name}"))


def _check_template(file: str, text: str | None) -> None:
    if text is None:
        return
    bare = _COMMENT.sub("", text).strip()
    if not (bare.startswith("<template>") and bare.endswith("</template>")):
        raise Problem(f"{file}: Missing root template tag")
    if bare.count("<template") != bare.count("</template>"):
        raise Problem(f"{file}: a template tag is not closed")
