"""The usage sources of a charter: what they may not say, and where that is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappings.charter import canonical_bytes, from_canonical_bytes
from mappings.load import load_charter
from mappings.problems import CharterError

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


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("account: customer_id, ", "", "no column says whose use it is"),
        (", timestamp: happened_at", "", "one column says when"),
        ("timestamp: happened_at", "timestamp: happened_at, day: on", "one column says when"),
        ("    table: analytics.events\n", "", "a source is a table or files"),
        ("table: analytics.events", "files: '*.parquet'", "files have no watermark"),
        ("table: analytics.events", "files: '*.xlsx'", "the pattern does not say what the files are"),
        ("name: warehouse", "name: My Warehouse", "string should match pattern"),
        ("watermark: loaded_at", "every_minutes: 1", "greater than or equal to 5"),
        ("watermark: loaded_at", "url: postgresql://me:word@house/db", "url"),
        (SOURCE, SOURCE + SOURCE.partition("usage_sources:\n")[2], "is the name of a source before"),
    ],
)
def test_a_mistake_in_a_source_is_told_at_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    """File and line within the part; an address with a password has no place in a charter."""
    file = written(tmp_path, SOURCE.replace(old, new))
    begins = len(DEFAULT.read_text(encoding="utf-8").splitlines())
    with pytest.raises(CharterError) as refusal:
        load_charter(file, "hubspot")
    told = [one for one in refusal.value.problems if said in str(one)]
    assert told, str(refusal.value)
    assert all(one.line > begins for one in told)
