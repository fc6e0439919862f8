"""The usage sources of a charter: what they may not say, and where that is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from mappings.charter import canonical_bytes, from_canonical_bytes
from mappings.load import load_charter
from mappings.problems import CharterError
from mappings.usage_sources import UsageSource

DEFAULT = Path(__file__).resolve().parents[2] / "mappings" / "charters" / "default.yaml"
SOURCE = """
usage_sources:
  - name: warehouse
    table: analytics.events
    columns: {account: customer_id, feature: action, timestamp: happened_at}
    watermark: loaded_at
"""


def written(tmp_path: Path, more: str) -> Path:
    """Write the default charter with more at its end."""
    file = tmp_path / "charter.yaml"
    file.write_text(DEFAULT.read_text(encoding="utf-8") + more, encoding="utf-8")
    return file


def test_a_source_is_read_with_its_defaults(tmp_path: Path) -> None:
    """An hour, a look-back of three days, and it comes back from the stored form as it was."""
    charter = load_charter(written(tmp_path, SOURCE), "hubspot")
    (found,) = charter.usage_sources
    assert (found.every_minutes, found.look_back_days) == (60, 3)
    assert found.columns.named() == {
        "account": "customer_id",
        "feature": "action",
        "timestamp": "happened_at",
    }
    assert from_canonical_bytes(canonical_bytes(charter)) == charter


def test_a_charter_without_sources_keeps_its_hash() -> None:
    """The stored form does not name them."""
    assert b"usage_sources" not in canonical_bytes(load_charter(DEFAULT, "hubspot"))


def parsed(text: str) -> dict[str, object]:
    """Return the first source of a text of YAML."""
    found = YAML(typ="safe").load(text)["usage_sources"][0]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("account: customer_id, ", "", "no column says whose use it is"),
        (", timestamp: happened_at", "", "one column says when"),
        ("timestamp: happened_at", "timestamp: happened_at, day: on", "one column says when"),
        ("    table: analytics.events\n", "", "a source is a table or files"),
        ("table: analytics.events", "files: '*.parquet'", "files have no watermark"),
        ("table: analytics.events", "files: '*.xlsx'", "the pattern does not say what the files are"),
        ("name: warehouse", "name: My Warehouse", "String should match pattern"),
        ("watermark: loaded_at", "every_minutes: 1", "greater than or equal to 5"),
        ("watermark: loaded_at", "url: postgresql://me:word@house/db", "Extra inputs are not permitted"),
    ],
)
def test_what_a_source_may_not_say(old: str, new: str, said: str) -> None:
    """Neither whose nor when, two ways at once, and an address with a password, which has no place here."""
    UsageSource.model_validate(parsed(SOURCE))
    with pytest.raises(ValidationError, match=said):
        UsageSource.model_validate(parsed(SOURCE.replace(old, new)))


def test_mistakes_in_sources_are_told_at_their_lines(tmp_path: Path) -> None:
    """The line of a part without a time, and that of a name given twice, when the parts are sound."""
    begins = len(DEFAULT.read_text(encoding="utf-8").splitlines())
    for more, line, said in (
        (SOURCE.replace(", timestamp: happened_at", ""), begins + 5, "one column says when"),
        (SOURCE + SOURCE.partition("usage_sources:\n")[2], begins + 7, "is the name of a source before"),
    ):
        with pytest.raises(CharterError) as refusal:
            load_charter(written(tmp_path, more), "hubspot")
        (told,) = refusal.value.problems
        assert (told.line, said in str(told)) == (line, True), str(told)
