"""Describe answers: an object's fields in the vendor's full shape.

The keys are those of the recorded describe calls in CumulusCI's fixtures; values follow the schema.
"""

from __future__ import annotations

from typing import Any

from sandbox.salesforce.access import Access
from sandbox.salesforce.record_types import infos
from sandbox.salesforce.schema import NUMERIC, Field, Schema, SObject, goes_with

Json = dict[str, Any]
_SOAP = {
    "boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double", "currency": "xsd:double",
    "percent": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime", "id": "tns:ID",
    "anyType": "xsd:anyType",
    "reference": "tns:ID",
}  # fmt: skip


def field_shape(obj: SObject, f: Field, access: Access) -> Json:
    """Return one element of describe's ``fields``."""
    long_text = f.type == "textarea" and f.length > 255
    edits = access.edits(obj, f) and f.formula is None
    numeric = f.type in NUMERIC
    return {
        "aggregatable": not long_text and f.type != "boolean", "aiPredictionField": False,
        "autoNumber": f.auto_format is not None, "byteLength": f.length * 3 if f.textual else f.length,
        "calculated": f.formula is not None, "calculatedFormula": f.formula,
        "cascadeDelete": f.cascade_delete,
        "caseSensitive": f.case_sensitive, "compoundFieldName": None, "controllerName": None,
        "createable": f.createable and edits, "custom": f.custom, "defaultValue": _default(f),
        "defaultValueFormula": None, "defaultedOnCreate": f.default is not None or f.type == "boolean",
        "dependentPicklist": False, "deprecatedAndHidden": False,
        "digits": f.precision if f.type == "int" else 0, "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": f.external_id, "extraTypeInfo": "plaintextarea" if f.type == "textarea" else None,
        "filterable": not long_text and f.type != "anyType", "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": f.blank_as_zero,
        "groupable": not long_text and f.type not in ("double",
                                                                                                    "currency"),
        "highScaleNumber": False, "htmlFormatted": False, "idLookup": f.external_id or f.name == "Id",
        "inlineHelpText": f.help_text, "label": f.label, "length": f.length, "mask": None, "maskType": None,
        "name": f.name, "nameField": f.name == obj.name_field, "namePointing": f.name in ("WhatId", "WhoId"),
        "nillable": f.nillable, "permissionable": f.custom and not f.required,
        "picklistValues": [_pick(p) for p in f.picks], "polymorphicForeignKey": len(f.reference_to) > 1,
        "precision": f.precision if numeric and f.type != "int" else 0, "queryByDistance": False,
        "referenceTargetField": None, "referenceTo": list(f.reference_to),
        "relationshipName": f.relationship_name,
        "relationshipOrder": None, "restrictedDelete": False, "restrictedPicklist": f.restricted,
        "scale": f.scale, "searchPrefilterable": f.type == "reference",
        "soapType": _SOAP.get(f.type, "xsd:string"), "sortable": not long_text, "type": f.type,
        "unique": f.unique, "updateable": f.updateable and edits, "writeRequiresMasterRead": False,
    }  # fmt: skip


def _default(f: Field) -> str | bool | float | None:
    if f.type == "boolean":
        return bool(f.default)
    return f.default if f.type in ("picklist", "double") else None


def _pick(p: Any) -> Json:
    return {
        "active": p.active,
        "defaultValue": p.default,
        "label": p.label,
        "validFor": None,
        "value": p.value,
    }


def summary(obj: SObject, access: Access, version: int) -> Json:
    """Return an object as global describe lists it; describe carries the same keys."""
    base = f"/services/data/v{version}.0/sobjects/{obj.name}"
    urls = {"rowTemplate": base + "/{ID}", "describe": base + "/describe", "sobject": base}
    updates = obj.updateable and access.may(obj, "allowEdit")
    return {
        "activateable": False, "associateEntityType": None, "associateParentEntity": None,
        "createable": obj.createable and access.may(obj, "allowCreate"), "custom": obj.custom,
        "customSetting": False,
        "deepCloneable": False, "deletable": obj.deletable and access.may(obj, "allowDelete"),
        "deprecatedAndHidden": False, "feedEnabled": obj.name in ("Account", "Contact", "Opportunity",
        "Case"),
        "hasSubtypes": False, "isInterface": False, "isSubtype": False, "keyPrefix": obj.prefix,
        "label": obj.label,
        "labelPlural": obj.plural, "layoutable": True, "mergeable": obj.name in ("Account", "Contact"),
        "mruEnabled": True, "name": obj.name, "queryable": True,
        "replicateable": obj.get("IsDeleted") is not None,
        "retrieveable": True, "searchable": True, "triggerable": obj.createable,
        "undeletable": obj.get("IsDeleted") is not None, "updateable": updates, "urls": urls,
    }  # fmt: skip


def describe(schema: Schema, access: Access, obj: SObject, version: int) -> Json:
    """Return the whole describe answer of an object, as far as the user may see."""
    base = f"/services/data/v{version}.0/sobjects/{obj.name}"
    head = summary(obj, access, version)
    return {
        "actionOverrides": [], "childRelationships": _children(schema, access, obj),
        "compactLayoutable": True,
        "defaultImplementation": None, "extendedBy": None, "extendsInterfaces": None,
        "fields": [field_shape(obj, f, access) for f in access.fields(obj).values()],
        "implementedBy": None, "implementsInterfaces": None, "listviewable": None, "lookupLayoutable": None,
        "namedLayoutInfos": [], "networkScopeFieldName": None, "recordTypeInfos": infos(obj, base),
        "searchLayoutable": True, "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {obj.plural.lower()}", "name": "everything"},
                            {"label": f"My {obj.plural.lower()}", "name": "mine"}],
        **head,
    }  # fmt: skip


def _children(schema: Schema, access: Access, obj: SObject) -> list[Json]:
    return [
        {"cascadeDelete": goes_with(child, f), "childSObject": child.name, "deprecatedAndHidden": False,
         "field": f.name, "junctionIdListNames": [], "junctionReferenceTo": [],
         "relationshipName": f.child_relationship, "restrictedDelete": False}
        for child, f in schema.children_of(obj.name)
        if access.object(child.name) and f.name.lower() in access.fields(child)
    ]  # fmt: skip
