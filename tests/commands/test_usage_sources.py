"""``colonnade usage`` and ``colonnade sync usage`` as an admin runs them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.commands.conftest import PORTAL

FILE = "when,action,customer\n2026-06-29T10:00:00Z,Share,A-1\n2026-06-29T11:00:00Z,Share,A-1\n"
SOURCES = """
usage_sources:
  - name: exports
    files: "*.csv"
    columns: {account: customer, feature: action, timestamp: when}
"""
COLUMNS = ("--column", "timestamp=when", "--column", "feature=action", "--column", "account=customer")


def uses(home) -> list[str]:
    """Return the daily sums as they stand in the database."""
    return home.rows["usage_day"]


def test_a_csv_file_is_taken_in_once(colonnade, home, tmp_path):
    """Two rows are one day's sum of two; the same file again adds nothing."""
    file = tmp_path / "uses.csv"
    file.write_text(FILE)
    for _ in range(2):
        done = colonnade(home.env, "sync", "usage", PORTAL, str(file), *COLUMNS, "--json").json()
        assert done["messages"] == 2
    (row,) = uses(home)
    assert "'A-1', '', '', 'Share', '2026-06-29'" in row
    assert "2, 2, 0, 0" in row


def test_a_csv_file_with_a_mistake_is_taken_in_not_at_all(colonnade, home, tmp_path):
    """The line and the column are named, and a field there is none of."""
    file = tmp_path / "uses.csv"
    file.write_text(FILE.replace("2026-06-29T11:00:00Z", "noon"))
    done = colonnade(home.env, "sync", "usage", PORTAL, str(file), *COLUMNS)
    done.refused(f"{file}:3: when: 'noon' is no time", "nothing was taken in")
    done = colonnade(home.env, "sync", "usage", PORTAL, str(file), "--column", "colour=when")
    done.refused("--column colour=when", "timestamp")
    assert uses(home) == []


def test_a_source_is_connected_pulled_and_shown(colonnade, home, tmp_path):
    """The charter names it, the address is sealed, and what it came to is counted."""
    charter = tmp_path / "charter.yaml"
    default = Path(__file__).resolve().parents[2] / "mappings" / "charters" / "default.yaml"
    charter.write_text(default.read_text() + SOURCES)
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "june.csv").write_text(FILE)
    applied = ("charter", "apply", PORTAL, str(charter), "--reason", "usage")
    colonnade(home.env, *applied).well()
    address = f"file://{tmp_path / 'exports'}"
    colonnade(home.env, "usage", "connect", PORTAL, "none", "--address", address).refused("it has exports")
    unsafe = ("usage", "connect", PORTAL, "exports", "--address", "s3://b?endpoint_override=169.254.169.254")
    colonnade(home.env, *unsafe).refused("--link-local")
    colonnade(home.env, "usage", "connect", PORTAL, "exports", "--address", address).well()
    done = colonnade(home.env, "usage", "pull", PORTAL, "exports", "--json").json()
    assert [(one["rows"], one["left_out"], one["finished"]) for one in done["turns"]] == [(2, 0, True)]
    assert done["findings"] == {}
    (row,) = uses(home)
    assert "2, 2, 0, 0" in row
    (shown,) = colonnade(home.env, "usage", "sources", PORTAL, "--json").json()
    assert (shown["source"], shown["reads"], shown["parts"], shown["matter"]) == ("exports", "*.csv", 1, None)
    assert shown["next_at"] > shown["read_at"]
    assert address not in json.dumps(home.rows["credential"])
