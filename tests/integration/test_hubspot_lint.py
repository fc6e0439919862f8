"""Our lint of a HubSpot developer project: every mistake by file, line and remedy, and no false alarm."""

import json

import pytest

from integration.hubspot.hsmeta_json import read_document
from integration.hubspot.hsmeta_lint import lint
from integration.hubspot.scopes import ENTERPRISE
from tests.integration.hubspot_projects import APP, CARD, HOOKS, MISTAKES, PROJECT, STATIC, put, right


def test_a_project_without_a_mistake_has_none(tmp_path):
    """Neither a marketplace app with a card and its own permissions, nor an app of one account."""
    assert lint(put(tmp_path / "listed", right())) == []
    files = right()
    STATIC(files)
    assert lint(put(tmp_path / "private", files)) == []


@pytest.mark.parametrize("name", sorted(MISTAKES))
def test_each_mistake_is_told_with_its_file_and_a_remedy(tmp_path, name):
    """One thing wrong, one mistake told (or what follows from it in another file), never silence."""
    mend, file, words = MISTAKES[name]
    files = right()
    mend(files)
    found = lint(put(tmp_path, files))
    told = [one for one in found if words in one.matter]
    assert [one.file for one in told] == [file], found
    assert all(one.remedy and one.line >= 1 for one in found)


def test_every_mistake_is_told_at_once(tmp_path):
    """Nobody uploads to meet the next one."""
    files = right()
    for name in ("no uid", "app: http permitted", "webhooks: five at once", "project: no name"):
        MISTAKES[name][0](files)
    assert {one.file for one in lint(put(tmp_path, files))} == {PROJECT, APP, HOOKS, CARD}


def test_a_mistake_is_pointed_at_by_line_and_path(tmp_path):
    """The line is that of the value; the path is as people write it."""
    files = right()
    files[HOOKS] = (
        '{\n  "uid": "h", "type": "webhooks",\n  "config": {\n    "settings": {\n'
        '      "targetUrl": "https://a.example/h",\n      "maxConcurrentRequests": 3\n    },\n'
        '    "subscriptions": {"crmObjects": [\n'
        '      {"subscriptionType": "object.merge", "objectType": "deal"},\n'
        '      {"subscriptionType": "object.gone", "objectType": "deal"}\n    ]}\n  }\n}\n'
    )
    found = [(one.line, one.path) for one in lint(put(tmp_path, files))]
    assert found == [
        (6, "config.settings.maxConcurrentRequests"),
        (10, "config.subscriptions.crmObjects[1].subscriptionType"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('{\n  "uid": "a",\n  "type": "card",,\n}', 3, "this is no JSON"),
        ("[1]", 1, "no JSON object"),
        ('{\n "uid": "a",\n "uid": "b", "type": "card", "config": {}}', 3, "the key 'uid' stands twice"),
        ("", 1, "this is no JSON"),
    ],
)
def test_a_file_that_is_no_json_object_is_told_where(tmp_path, text, line, words):
    """Broken syntax by its line, a key given twice by the second."""
    files = right()
    files[CARD] = text
    assert (line, True) in [(one.line, words in one.matter) for one in lint(put(tmp_path, files))]


def test_a_folder_that_is_no_project_is_told(tmp_path):
    """What is missing and where it should be."""
    (mistake,) = lint(tmp_path)
    assert (mistake.file, "No such file" in mistake.matter) == (PROJECT, True)
    (tmp_path / PROJECT).write_text(json.dumps(right()[PROJECT]))
    (tmp_path / "src").mkdir()
    (empty,) = lint(tmp_path)
    assert "there is no *-hsmeta.json" in empty.matter


def test_lines_are_those_of_the_text():
    """Strings with braces and quotes in them, nested lists and escapes do not lead the count astray."""
    text = '{\n "a": "x\\"}{[",\n "b": [\n  1,\n  {"c": [\n   true\n  ]}\n ],\n "d": {}\n}'
    document = read_document(text)
    assert document.value == {"a": 'x"}{[', "b": [1, {"c": [True]}], "d": {}}
    assert [document.line(path) for path in (("a",), ("b",), ("b", 0), ("b", 1, "c", 0), ("d",))] == [
        2,
        3,
        4,
        6,
        9,
    ]
    assert document.line(("d", "gone", 3)) == 9


def test_the_scopes_of_enterprise_are_those_of_custom_objects():
    """HubSpot's page "Scopes": four, read and write of records and of schemas."""
    assert sorted(ENTERPRISE) == [
        "crm.objects.custom.read",
        "crm.objects.custom.write",
        "crm.schemas.custom.read",
        "crm.schemas.custom.write",
    ]
