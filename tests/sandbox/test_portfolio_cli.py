"""The commands: results on stdout, progress on stderr, exit code 2 for what cannot be used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sandbox.portfolio import read
from sandbox.portfolio.cli import main
from sandbox.portfolio.model import UsageEvent
from sandbox.portfolio.segment import track_message

REPOSITORY = Path(__file__).resolve().parents[2]


def _run(*arguments: object):
    return CliRunner().invoke(main, [str(one) for one in arguments])


@pytest.fixture
def folder(tmp_path):
    """Return a small portfolio made by the command."""
    assert _run("generate", tmp_path / "made", "--accounts", 5).exit_code == 0
    return tmp_path / "made"


def test_generate_counts_what_it_wrote(tmp_path):
    """The JSON on stdout tells records per file and accounts per truth set as they are in the folder."""
    result = _run(
        "generate", tmp_path / "made", "--accounts", 60, "--seed", 5, "--as-of", "2025-03-31", "--json"
    )
    told = json.loads(result.stdout)
    for name, count in told["records"].items():
        assert len((tmp_path / "made" / f"{name}.jsonl").read_text().splitlines()) == count
    described = read.read_portfolio(tmp_path / "made")
    assert (described.seed, described.as_of, described.contract_home) == (5, "2025-03-31", "line_item")
    assert told["truth"] == {name: len(keys) for name, keys in described.truth.items()}
    assert told["records"]["accounts"] == 60


def test_the_module_runs_as_a_process(tmp_path):
    """``python -m sandbox.portfolio`` prints nothing but the result on stdout."""
    command = [
        sys.executable,
        "-m",
        "sandbox.portfolio",
        "generate",
        str(tmp_path / "a"),
        "--accounts",
        "2",
        "--json",
    ]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["records"]["accounts"] == 2


def test_a_foreign_folder_ends_with_code_2(tmp_path):
    """Generating over other files is refused with the remedy."""
    (tmp_path / "letter.txt").write_text("dear")
    result = _run("generate", tmp_path)
    assert result.exit_code == 2
    assert "Name an empty or a new folder" in result.stderr


def test_mistakes_of_mapping_and_data_end_with_code_2(tmp_path):
    """A missing mapping and a missing CSV file are told on stderr, stdout stays empty."""
    mapping = tmp_path / "mapping.yaml"
    arguments = ("convert", tmp_path, "--mapping", mapping, tmp_path / "out", "--as-of", "2024-12-31")
    no_mapping = _run(*arguments)
    mapping.write_text(
        "name: A\ncontract_home: deal\nproducts: [{key: a, name: A, unit_price: 1}]\n"
        "accounts: {file: none.csv, fields: {key: a, name: a, created_on: a}}\n"
    )
    no_data = _run(*arguments)
    assert (no_mapping.exit_code, no_data.exit_code) == (2, 2)
    assert f"{mapping}:1:1:" in no_mapping.stderr
    assert "none.csv: not found" in no_data.stderr
    assert no_mapping.stdout == no_data.stdout == ""
    assert not (tmp_path / "out").exists()


def test_usage_becomes_one_track_message_per_event(folder, tmp_path):
    """Each line of the file is the track message of the event in the same place."""
    result = _run("usage", folder, tmp_path / "out.jsonl", "--json")
    messages = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    events = list(read.usage(folder))
    assert json.loads(result.stdout)["messages"] == len(messages) == len(events) > 100
    assert [one["messageId"] for one in messages] == [one.message_id for one in events]
    assert [one["properties"]["count"] for one in messages] == [one.count for one in events]


def test_usage_of_no_portfolio_is_refused(tmp_path):
    """A folder without portfolio.json gives no file."""
    result = _run("usage", tmp_path, tmp_path / "out.jsonl")
    assert result.exit_code == 2
    assert "no portfolio folder" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_track_message_has_segments_fields():
    """User, time and name stand where Segment's Spec: Track and Spec: Common Fields put them."""
    event = UsageEvent(
        "m1", "ACC", None, "workspace", "boards", "a@b.example", "2026-01-02T03:04:05Z", 3, 60, 1
    )
    assert track_message(event) == {
        "type": "track",
        "messageId": "m1",
        "userId": "a@b.example",
        "event": "boards",
        "timestamp": "2026-01-02T03:04:05Z",
        "properties": {
            "product": "workspace", "subscription": None, "account": "ACC",
            "count": 3, "duration_s": 60, "errors": 1,
        },
        "context": {"groupId": "ACC"},
    }  # fmt: skip


def test_an_unknown_user_is_anonymous():
    """Without a user the message has an anonymousId and no userId, for Segment wants one of both."""
    message = track_message(UsageEvent("m", "A", "L", "p", "f", "", "2026-01-02T03:04:05Z"))
    assert message["anonymousId"] == "unknown"
    assert "userId" not in message
