"""``colonnade forget`` and ``colonnade keys`` as an admin runs them."""

from __future__ import annotations

import json
from collections.abc import Callable

from cryptography.fernet import Fernet

from sync.config import read_settings
from sync.runtime import open_runtime
from sync.state import findings, installations
from sync.state.engine import writing
from tests.commands.conftest import CONNECTED_AT, PORTAL, Done, Home

Run = Callable[..., Done]
EMAIL = "ann@acorn.example"


def plant(home: Home) -> None:
    """Have a finding and a file name the person."""
    runtime = open_runtime(read_settings(home.env))
    with writing(runtime.engine) as conn:
        findings.report(conn, PORTAL, CONNECTED_AT, "usage", {"usage/1": f"{EMAIL} has no account"})
    (home.folder / "export.txt").write_text(f"asked by {EMAIL}\n")
    runtime.engine.dispose()


def test_a_person_is_planned_forgotten_and_searched_for(colonnade: Run, home: Home) -> None:
    """The plan changes nothing; after applying, the proof counts what it searched; a trace is exit code 1."""
    plant(home)
    before = home.rows
    (planned,) = colonnade(home.env, "forget", EMAIL, "--json").json()
    assert planned["plan"]["rows"] == {"finding": 1}
    assert home.rows == before

    found = colonnade(home.env, "forget", EMAIL, "--prove", "--json")
    assert found.code == 1
    places = {hit["place"] for hit in json.loads(found.out)[0]["proof"]["hits"]}
    assert {"finding.message", str(home.folder / "export.txt")} <= places

    (done,) = colonnade(home.env, "forget", EMAIL, "--apply", "--json").json()
    assert (done["done"]["rows"], done["done"]["files"]) == ({"finding": 1}, 1)
    assert done["proof"]["hits"] == []
    assert min(done["proof"][name] for name in ("tables", "columns", "rows", "files", "redis_keys")) >= 0
    assert done["proof"]["tables"] > 20
    assert (home.folder / "export.txt").read_text() == "asked by [removed]\n"
    assert "nothing found" in colonnade(home.env, "forget", EMAIL, "--prove").well().out
    (home.folder / "back.txt").write_text(EMAIL)
    assert colonnade(home.env, "forget", EMAIL, "--prove").code == 1


def test_who_is_nobody_is_one_clear_error(colonnade: Run, home: Home) -> None:
    """A name is no person: more than one may have it."""
    colonnade(home.env, "forget", "Ann Berg").refused("give an e-mail address", "contact:ID")


def test_keys_are_changed_by_hand_as_told(colonnade: Run, home: Home) -> None:
    """New key behind, in front, rotate, old one out: each step is told by status and by the doctor."""
    (old,) = (home.folder / "secret.key").read_text().split()
    new = colonnade(home.env, "keys", "new").well().out.strip()
    Fernet(new)
    both = {**home.env, "CS_SECRET_KEYS": f"{new},{old}"}
    assert colonnade(both, "keys", "status", "--json").json()["older"] == 1
    told = json.loads(colonnade(both, "doctor", "--json").out)
    assert ("deployment", "run `colonnade keys rotate`") in [
        (one["installation"], one["remedy"]) for one in told
    ]
    done = colonnade(both, "keys", "rotate", "--json").json()
    assert done["done"]["sealed"] == 1
    alone = {**home.env, "CS_SECRET_KEYS": new}
    assert colonnade(alone, "keys", "status", "--json").json()["by_key"] == [1]
    runtime = open_runtime(read_settings(alone))
    with writing(runtime.engine) as conn:
        assert installations.load_secret(conn, runtime.box, PORTAL, "client")
    assert colonnade({**home.env, "CS_SECRET_KEYS": old}, "keys", "status").code == 1
