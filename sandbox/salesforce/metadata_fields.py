"""A ``CustomField`` element checked as the Metadata API checks it, and made a field of the schema.

Words follow the deploy errors seen in public deploy logs; where none is known they are near to them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from sandbox.salesforce.metadata_zip import children, tag, text_of
from sandbox.salesforce.schema import Field, Pick, Schema

_KINDS = {
    "Text": "string", "LongTextArea": "textarea", "TextArea": "textarea", "Html": "textarea",
    "Number": "double",
    "Currency": "currency", "Percent": "percent", "Date": "date", "DateTime": "datetime",
    "Checkbox": "boolean",
    "Picklist": "picklist", "MultiselectPicklist": "multipicklist", "Lookup": "reference",
    "MasterDetail": "reference", "Email": "email", "Phone": "phone", "Url": "url",
}  # fmt: skip
_LENGTHS = {
    "Email": 80,
    "Phone": 40,
    "Url": 255,
    "TextArea": 255,
    "Picklist": 255,
    "MultiselectPicklist": 4099,
}
_ELEMENTS = {
    "fullName", "businessOwnerGroup", "businessOwnerUser", "businessStatus", "caseSensitive",
    "complianceGroup",
    "customDataType", "defaultValue", "deleteConstraint", "deprecated", "description", "displayFormat",
    "encryptionScheme", "escapeMarkup", "externalDeveloperName", "externalId", "formula",
    "formulaTreatBlanksAs",
    "inlineHelpText", "isAIPredictionField", "isFilteringDisabled", "isNameField", "isSortingDisabled",
    "label",
    "length", "lookupFilter", "maskChar", "maskType", "metadataRelationshipControllingField",
    "mktDataLakeFieldAttributes",
    "mktDataModelFieldAttributes", "populateExistingRows", "precision", "referenceTargetField", "referenceTo",
    "relationshipLabel", "relationshipName", "relationshipOrder", "reparentableMasterDetail", "required",
    "restrictedAdminField", "scale", "securityClassification", "startingNumber", "stripMarkup",
    "summarizedField", "summaryFilterItems", "summaryForeignKey", "summaryOperation", "trackFeedHistory",
    "trackHistory", "trackTrending", "translateData", "type", "unique", "valueSet", "visibleLines",
    "writeRequiresMasterRead",
}  # fmt: skip
_FORMULA_TYPES = {"Text", "Number", "Currency", "Percent", "Date", "DateTime", "Checkbox"}
_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c")
_LABEL = 40


class Problem(Exception):
    """One component failure in the vendor's words."""


@dataclass(frozen=True, slots=True)
class FieldFile:
    """One ``fields`` element: its object, its name, and the element."""

    object: str
    name: str
    element: ET.Element

    @property
    def full_name(self) -> str:
        """Return Object.Field."""
        return f"{self.object}.{self.name}"

    @property
    def is_formula(self) -> bool:
        """Return whether it is computed."""
        return text_of(self.element, "formula") is not None


def known_elements(element: ET.Element, allowed: set[str], kind: str) -> None:
    """Raise the parser's refusal of an element the type does not have."""
    for child in element:
        if tag(child) not in allowed:
            raise Problem(f"Element {child.tag} invalid at this location in type {kind}")


def boolean(element: ET.Element, name: str) -> bool:
    """Return a boolean child, false where absent. Raises Problem on anything but true and false."""
    value = text_of(element, name)
    if value not in (None, "true", "false", "1", "0"):
        raise Problem(f"'{value}' is not a valid value for the type xsd:boolean")
    return value in ("true", "1")


def _whole(element: ET.Element, name: str, kind: str) -> int:
    value = text_of(element, name)
    if value is None:
        raise Problem(f"Must specify '{name}' for a CustomField of type {kind}")
    if not value.isdigit():
        raise Problem(f"'{value}' is not a valid value for the type xsd:int")
    return int(value)


def build(schema: Schema, file: FieldFile) -> Field:
    """Return the field a ``fields`` element defines. Raises Problem."""
    element = file.element
    known_elements(element, _ELEMENTS, "CustomField")
    if not _NAME.fullmatch(file.name) or len(file.name) > 43:
        raise Problem(
            f"The developer name or API name '{file.name}' is not valid: it must start with a letter, "
            "have no two underscores in a row, end with __c and have at most 40 characters before it"
        )
    label = text_of(element, "label")
    if not label:
        raise Problem("Required field is missing: label")
    if len(label) > _LABEL:
        raise Problem(f"Value too long for field: MasterLabel maximum length is:{_LABEL}")
    kind = text_of(element, "type")
    if kind is None:
        raise Problem("Required field is missing: type")
    if kind not in _KINDS:
        raise Problem(f"'{kind}' is not a valid value for the enum 'FieldType'")
    return _of_kind(schema, file, kind, label)


def _of_kind(schema: Schema, file: FieldFile, kind: str, label: str) -> Field:
    element = file.element
    _check_size_elements(element, kind, formula=file.is_formula)
    if kind in ("Lookup", "MasterDetail"):
        return _reference(schema, file, kind, label)
    length, precision, scale = _size(element, kind, formula=file.is_formula)
    unique, external = boolean(element, "unique"), boolean(element, "externalId")
    _check_keys(kind, unique=unique, external=external)
    default = _default(element, kind, formula=file.is_formula)
    picks, restricted = _picks(element, kind)
    writable = not file.is_formula
    required = boolean(element, "required")
    if required and kind in ("LongTextArea", "Checkbox"):
        raise Problem(f"Can not specify 'required' for a CustomField of type {kind}")
    return Field(
        file.name, label, _KINDS[kind], length=length, precision=precision, scale=scale,
        nillable=not required and kind != "Checkbox", createable=writable, updateable=writable,
        external_id=external, unique=unique, case_sensitive=boolean(element, "caseSensitive"), picks=picks,
        restricted=restricted, formula=_formula(file, kind), default=default, granted=False,
        blank_as_zero=text_of(element, "formulaTreatBlanksAs") != "BlankAsBlank" and file.is_formula,
        help_text=text_of(element, "inlineHelpText"), description=text_of(element, "description"),
        metadata_type=kind,
    )  # fmt: skip


def _formula(file: FieldFile, kind: str) -> str | None:
    formula = text_of(file.element, "formula")
    if formula is not None and kind not in _FORMULA_TYPES:
        raise Problem(f"Can not specify 'formula' for a CustomField of type {kind}")
    return formula


def _check_size_elements(element: ET.Element, kind: str, *, formula: bool) -> None:
    for name, kinds in (("length", {"Text", "LongTextArea", "Html"}),
        ("precision", {"Number", "Currency", "Percent"}),
                        ("scale", {"Number", "Currency", "Percent"}),
                        ("visibleLines", {"LongTextArea", "Html", "MultiselectPicklist"})):  # fmt: skip
        if text_of(element, name) is not None and (kind not in kinds or (formula and name == "length")):
            raise Problem(f"Can not specify '{name}' for a CustomField of type {kind}")


def _size(element: ET.Element, kind: str, *, formula: bool) -> tuple[int, int, int]:
    """Return length, precision and scale."""
    if kind == "Text":
        if formula:
            return 1300, 0, 0
        length = _whole(element, "length", kind)
        if not 1 <= length <= 255:
            raise Problem("Length for Text fields must be between 1 and 255")
        return length, 0, 0
    if kind in ("LongTextArea", "Html"):
        length = _whole(element, "length", kind)
        if not 256 <= length <= 131072:
            raise Problem(f"Length for {kind} fields must be between 256 and 131072")
        _whole(element, "visibleLines", kind)
        return length, 0, 0
    if kind == "MultiselectPicklist":
        _whole(element, "visibleLines", kind)
    if kind in ("Number", "Currency", "Percent"):
        precision, scale = _whole(element, "precision", kind), _whole(element, "scale", kind)
        if not 1 <= precision <= 18 or scale > precision:
            raise Problem("Precision must be between 1 and 18, and scale at most precision")
        return 0, precision, scale
    return _LENGTHS.get(kind, 0), 0, 0


def _check_keys(kind: str, *, unique: bool, external: bool) -> None:
    if external and kind not in ("Text", "Number", "Email"):
        raise Problem(f"Can not specify 'externalId' for a CustomField of type {kind}")
    if unique and kind not in ("Text", "Number", "Email"):
        raise Problem(f"Can not specify 'unique' for a CustomField of type {kind}")


def _default(element: ET.Element, kind: str, *, formula: bool) -> str | bool | None:
    value = text_of(element, "defaultValue")
    if kind == "Checkbox" and not formula:
        if value is None:
            raise Problem("Must specify 'defaultValue' for a CustomField of type Checkbox")
        return value.lower() == "true"
    if kind in ("Picklist", "MultiselectPicklist"):
        found = [p.value for p in _picks(element, kind)[0] if p.default]
        return found[0] if found else None
    if value and re.fullmatch(r"\".*\"|'.*'", value):
        return value[1:-1]
    return None


def _picks(element: ET.Element, kind: str) -> tuple[tuple[Pick, ...], bool]:
    value_set = next(iter(children(element, "valueSet")), None)
    if kind not in ("Picklist", "MultiselectPicklist"):
        if value_set is not None:
            raise Problem(f"Can not specify 'valueSet' for a CustomField of type {kind}")
        return (), False
    definition = None if value_set is None else next(iter(children(value_set, "valueSetDefinition")), None)
    if value_set is None or definition is None:
        raise Problem(f"Must specify 'valueSet' for a CustomField of type {kind}")
    picks = []
    for value in children(definition, "value"):
        name, label = text_of(value, "fullName"), text_of(value, "label")
        if not name or not label:
            raise Problem("Required field is missing: " + ("label" if name else "fullName"))
        picks.append(Pick(name, label, text_of(value, "isActive") != "false", boolean(value, "default")))
    names = [p.value.lower() for p in picks]
    if len(set(names)) < len(names):
        raise Problem("Duplicate picklist value name")
    return tuple(picks), boolean(value_set, "restricted")


def _reference(schema: Schema, file: FieldFile, kind: str, label: str) -> Field:
    element = file.element
    target_name, relation = text_of(element, "referenceTo"), text_of(element, "relationshipName")
    if not target_name:
        raise Problem(f"Must specify 'referenceTo' for a CustomField of type {kind}")
    if not relation:
        raise Problem(f"Must specify 'relationshipName' for a CustomField of type {kind}")
    target = schema.get(target_name)
    if target is None:
        raise Problem(f"referenceTo value of '{target_name}' does not resolve to a valid sObject type")
    child_name = relation + "__r"
    for obj, f in schema.children_of(target.name):
        if f.child_relationship == child_name and (obj.name, f.name.lower()) != (
            file.object,
            file.name.lower(),
        ):
            raise Problem(f"There is already a Child Relationship named {relation} on {target.label}.")
    master = kind == "MasterDetail"
    constraint = text_of(element, "deleteConstraint")
    if constraint not in (None, "SetNull", "Restrict", "Cascade"):
        raise Problem(f"'{constraint}' is not a valid value for the enum 'DeleteConstraint'")
    return Field(
        file.name, label, "reference", length=18, nillable=not (master or boolean(element, "required")),
        reference_to=(target.name,), relationship_name=file.name.removesuffix("c") + "r",
        child_relationship=child_name, cascade_delete=master or constraint == "Cascade", granted=False,
        help_text=text_of(element, "inlineHelpText"), description=text_of(element, "description"),
        metadata_type=kind,
    )  # fmt: skip
