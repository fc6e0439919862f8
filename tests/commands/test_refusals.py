"""What can be wrong is one clear error: name, place, remedy, exit code 2, the state as it was."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from sync.commands.installing import DEFAULT_CHARTER
from sync.state.secrets import new_key
from tests.commands.conftest import PORTAL, ROOT, bare_environment, run_process, snapshot
from tests.sandbox.conftest import Sandbox

MAPPING = """
name: Example
contract_home: deal
currency: USD
products: [{key: pro, name: Pro, unit_price: "588.00"}]
owners: [{key: o1, email: o1@example.com, first_name: O, last_name: One}]
accounts:
  file: customers.csv
  fields: {key: id, name: name, created_on: since, employees: staff}
"""
GOOD_CSV = "id,name,since,staff\nA-1,Acme,2024-01-05,10\nA-2,Bolt,2024-02-05,20\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Give a folder of CSV files and their mapping, all in order."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "customers.csv").write_text(GOOD_CSV)
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    return folder


def load_portfolio(colonnade, files, port, *more):
    """Run `portfolio load` on the folder."""
    named = ["--mapping", str(files.parent / "mapping.yaml"), "--as-of", "2024-12-31"]
    return colonnade({}, "portfolio", "load", str(files), *named, "--url", f"http://127.0.0.1:{port}", *more)


# --- the environment ---------------------------------------------------------------------------


@pytest.mark.parametrize("port", ["abc", "0", "65536", "80.5"])
def test_a_port_that_is_none(colonnade, home, port):
    """The variable, what is wrong with it, and what to give."""
    before = home.rows
    done = colonnade({**home.env, "PORT": port}, "sync", "status")
    done.refused("PORT: ", "give a port number from 1 to 65535")
    assert home.rows == before


def test_the_web_process_refuses_a_port_that_is_none(tmp_path):
    """Gunicorn's own start says the same, without a traceback."""
    env = {**bare_environment(), "PORT": "abc", "CS_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "gunicorn", "--config", "webhooks/gunicorn.py", "app:create_app()"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "Error: PORT: " in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_on_a_port_somebody_else_has(colonnade, home):
    """Nothing is started; the port is named."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        before = home.rows
        done = colonnade({**home.env, "PORT": str(port)}, "serve")
    done.refused(f"PORT: 127.0.0.1:{port} cannot be listened on", "or give another PORT")
    assert home.rows == before
    assert not (home.folder / "web.log").exists()


@pytest.mark.parametrize("command", [("sync", "status"), ("worker", "fast"), ("serve",)])
def test_a_redis_that_does_not_answer(home, closed_port, command):
    """The address without its password, and that nothing is lost."""
    before = home.rows
    url = f"redis://:hidden@127.0.0.1:{closed_port}/0"
    done = run_process({**home.env, "REDIS_URL": url}, *command)
    done.refused(f"REDIS_URL: no Redis answers at redis://127.0.0.1:{closed_port}/0", "start it, or correct")
    assert "hidden" not in done.err
    assert home.rows == before


def test_a_database_that_does_not_answer(colonnade, home, closed_port):
    """The address without its password."""
    url = f"postgresql://me:hidden@127.0.0.1:{closed_port}/colonnade"
    done = colonnade({**home.env, "DATABASE_URL": url}, "sync", "status")
    done.refused(f"127.0.0.1:{closed_port}/colonnade cannot be reached")
    assert "hidden" not in done.err


def test_a_database_of_another_kind(colonnade, home):
    """What it may be is said."""
    done = colonnade({**home.env, "DATABASE_URL": "mysql://localhost/x"}, "migrate")
    done.refused("DATABASE_URL: ", "give sqlite:///file or postgresql://")


def test_a_database_file_that_is_none(colonnade, home, tmp_path):
    """Somebody else's file is not touched."""
    other = tmp_path / "letter.txt"
    other.write_text("Dear reader, " * 200)
    done = colonnade({**home.env, "DATABASE_URL": f"sqlite:///{other}"}, "migrate")
    done.refused(str(other), "file is not a database")
    assert other.read_text() == "Dear reader, " * 200


@pytest.mark.parametrize("command", [("sync", "load", PORTAL), ("sync", "run", PORTAL)])
def test_secret_keys_that_open_nothing(colonnade, home, command):
    """Whose secret it is, and what to put back; nothing is called and nothing is lost."""
    before = home.rows
    done = colonnade({**home.env, "CS_SECRET_KEYS": new_key()}, *command)
    done.refused(f"of {PORTAL} opens with none of CS_SECRET_KEYS", "put the old key back")
    assert home.rows == before


def test_a_secret_key_that_is_none(colonnade, home):
    """Which of the keys, and never the key."""
    done = colonnade({**home.env, "CS_SECRET_KEYS": f"{new_key()},s3cret"}, "sync", "status")
    done.refused("key 2 of CS_SECRET_KEYS is not 32 bytes in URL-safe base64")
    assert "s3cret" not in done.err


def test_the_doctor_finds_keys_that_open_nothing(colonnade, home):
    """It is told before the first sync trips over it, of the installation and of all; exit code 1."""
    done = colonnade({**home.env, "CS_SECRET_KEYS": new_key()}, "doctor", "--json")
    assert done.code == 1
    told = {one["installation"]: one for one in json.loads(done.out) if "CS_SECRET_KEYS" in one["matter"]}
    assert told.keys() == {PORTAL, "deployment"}
    assert PORTAL in told[PORTAL]["matter"]
    assert all("put the key that sealed them back" in one["remedy"] for one in told.values())


# --- installations and accounts ------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        ("charter", "plan", "hubspot-1", str(DEFAULT_CHARTER)),
        ("charter", "apply", "hubspot-1", str(DEFAULT_CHARTER)),
        ("charter", "history", "hubspot-1"),
        ("charter", "rollback", "hubspot-1"),
        ("sync", "load", "hubspot-1"),
        ("sync", "usage", "hubspot-1", str(DEFAULT_CHARTER)),
        ("sync", "live", "hubspot-1"),
        ("sync", "run", "hubspot-1"),
        ("metrics", "hubspot-1"),
        ("explain", "Acme", "--installation", "hubspot-1"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_an_installation_that_is_not_there(colonnade, home, command):
    """Every command that takes one names it and says how one is connected."""
    before = home.rows
    colonnade(home.env, *command).refused("there is no installation hubspot-1", "colonnade install")
    assert home.rows == before


def test_explaining_an_account_nobody_knows(colonnade, home):
    """The name asked for, and what else may be given."""
    before = home.rows
    colonnade(home.env, "explain", "Nobody [/] Ltd").refused("called 'Nobody [/] Ltd'", "give the CRM's id")
    assert home.rows == before


def test_rolling_back_the_first_charter(colonnade, home):
    """There is none before it, and it stays in force."""
    before = home.rows
    done = colonnade(home.env, "charter", "rollback", PORTAL)
    done.refused(f"there is no earlier charter of {PORTAL}")
    assert home.rows == before


# --- charters --------------------------------------------------------------------------------------


@pytest.fixture
def misspelt(tmp_path: Path) -> tuple[Path, str]:
    """Give a charter with one unknown field, and the place at which it stands."""
    lines = DEFAULT_CHARTER.read_text().splitlines()
    row = next(n for n, line in enumerate(lines) if line.startswith("  overlap: "))
    lines.insert(row, "  overlaps: stack")
    path = tmp_path / "charter.yaml"
    path.write_text("\n".join(lines))
    return path, f"{path}:{row + 1}:3: "


def test_checking_a_charter_with_an_unknown_field(colonnade, misspelt):
    """file:line:column, the name, and the name that was probably meant."""
    path, place = misspelt
    done = colonnade({}, "charter", "check", str(path), "--vendor", "hubspot")
    done.refused(place, "policies.overlaps", "Did you mean 'overlap'?")


@pytest.mark.parametrize("command", ["apply", "plan"])
def test_bringing_in_a_charter_with_an_unknown_field(colonnade, home, misspelt, command):
    """The same words; the charter in force stays."""
    path, place = misspelt
    before = home.rows
    colonnade(home.env, "charter", command, PORTAL, str(path)).refused(place, "Did you mean 'overlap'?")
    assert home.rows == before


def test_a_charter_that_is_not_there(colonnade):
    """The path is named."""
    done = colonnade({}, "charter", "check", "no-such.yaml", "--vendor", "hubspot")
    done.refused("no-such.yaml:1:1: ", "Check its path.")


# --- credentials -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ["cannot be read", "give a JSON object"]),
        ("{kind: x}", ["cannot be read", "give a JSON object"]),
        ("\udcff", ["cannot be read", "give a JSON object"]),
        ("[]", ["are no JSON object", "give `kind`"]),
        ("{}", ["these are no hubspot credentials", "give one of: service_key, oauth"]),
        ('{"kind": "password", "secret": "s3cret"}', ["these are no hubspot credentials", "'password'"]),
        ('{"kind": "service_key"}', ["these are no hubspot credentials", "`token` is missing"]),
        (
            '{"kind": "service_key", "token": "s3cret", "more": "s3cret"}',
            ["`more` is unknown", "takes `token`"],
        ),
    ],
    ids=["missing", "no json", "no utf-8", "list", "empty", "unknown kind", "too little", "too much"],
)
def test_a_credentials_file_that_opens_nothing(colonnade, home, tmp_path, content, words):
    """What is wrong with it and what belongs in it; never what is in it."""
    path = tmp_path / "credentials.json"
    if content is not None:
        path.write_bytes(content.encode("utf-8", "surrogateescape"))
    before = home.rows
    url = "http://127.0.0.1:9"
    done = colonnade(home.env, "install", "hubspot", "--credentials", str(path), "--url", url)
    done.refused(*words)
    assert "s3cret" not in done.err
    assert home.rows == before


def test_a_token_hubspot_does_not_know(colonnade, home, tmp_path, hubspot_portal):
    """The portal's refusal becomes one error, and nothing is kept of it."""
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps({"kind": "service_key", "token": "pat-na1-s3cret"}))
    before = home.rows
    done = colonnade(
        home.env, "install", "hubspot", "--credentials", str(path), "--url", hubspot_portal.url, "--apply"
    )
    done.refused(f"{path}: hubspot does not let us in", "correct them and run again")
    assert "s3cret" not in done.err
    assert home.rows == before


def test_a_secret_salesforce_does_not_know(colonnade, home, tmp_path, salesforce_org):
    """The org's refusal becomes one error, and nothing is kept of it."""
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps({"kind": "client_credentials", "client_id": "a", "client_secret": "s3cret"}))
    before = home.rows
    done = colonnade(
        home.env, "install", "salesforce", "--credentials", str(path), "--url", salesforce_org.url, "--apply"
    )
    done.refused(f"{path}: salesforce does not let us in", "invalid_client_id", "correct them")
    assert "s3cret" not in done.err
    assert home.rows == before


def test_a_private_key_that_is_none(colonnade, home, tmp_path):
    """A file cut short is told before anybody is asked."""
    path = tmp_path / "credentials.json"
    pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"
    given = {"kind": "jwt", "client_id": "a", "username": "a@example.com", "private_key_pem": pem}
    path.write_text(json.dumps(given))
    before = home.rows
    url = "http://127.0.0.1:9"
    by_file = ("install", "salesforce", "--credentials", str(path))
    colonnade(home.env, *by_file).refused("--url is missing", "My Domain")
    colonnade(home.env, *by_file, "--url", url).refused(str(path), "correct them and run again")
    assert home.rows == before


def _running(vendor: str, folder: Path):
    crm = Sandbox(vendor, folder / f"{vendor}.db")
    crm.start()
    yield crm
    crm.kill()


@pytest.fixture
def hubspot_portal(tmp_path):
    """Run an empty portal."""
    yield from _running("hubspot", tmp_path)


@pytest.fixture
def salesforce_org(tmp_path):
    """Run an empty org."""
    yield from _running("salesforce", tmp_path)


# --- files -----------------------------------------------------------------------------------------


def test_portfolio_files_that_are_not_there(colonnade, files, closed_port):
    """The missing file is named."""
    (files / "customers.csv").unlink()
    load_portfolio(colonnade, files, closed_port).refused("customers.csv: not found in", str(files))


def test_a_portfolio_file_that_is_no_text(colonnade, files, closed_port):
    """The file is named, and the form it must have."""
    (files / "customers.csv").write_bytes(GOOD_CSV.encode().replace(b"Acme", b"Acm\xe9"))
    load_portfolio(colonnade, files, closed_port).refused("customers.csv", "UTF-8")


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (("2024-02-05", "2024-13-05"), ["customers.csv", "row 3", "since", "2024-13-05"]),
        ((",20\n", ",many\n"), ["customers.csv", "row 3", "staff", "many"]),
        (("A-2", "A-1"), ["customers.csv", "A-1"]),
        (("id,", "ident,"), ["id", "customers.csv"]),
    ],
    ids=["date", "number", "key twice", "column"],
)
def test_a_portfolio_file_with_a_wrong_value(colonnade, files, closed_port, bad, words):
    """File, row, column and value, before anything is loaded anywhere."""
    (files / "customers.csv").write_text(GOOD_CSV.replace(*bad))
    load_portfolio(colonnade, files, closed_port).refused(*words)


def test_loading_into_a_sandbox_that_is_not_there(colonnade, files, closed_port):
    """The address is named, and how one is started."""
    done = load_portfolio(colonnade, files, closed_port)
    done.refused(f"no sandbox answers at http://127.0.0.1:{closed_port}", "colonnade sandbox")


def test_a_day_that_is_none(colonnade, files, closed_port):
    """2024 has no thirteenth month."""
    done = load_portfolio(colonnade, files, closed_port, "--as-of", "2024-13-01")
    done.refused("'--as-of'", "2024-13-01")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{broken", ["Expecting property name"]),
        ('"text"', ["it holds str, not an object"]),
        ("[1]", ["it holds list, not an object"]),
        ("\udcff", ["utf-8"]),
        ("[" * 100_000, ["recursion"]),
    ],
    ids=["no json", "text", "list", "no utf-8", "deep"],
)
def test_a_usage_file_with_a_broken_line(colonnade, home, tmp_path, line, words):
    """File and line; not even the good lines, two batches of them, were taken in."""
    good = json.dumps({"type": "track", "messageId": "m", "event": "e", "timestamp": "2026-06-29T10:00:00Z"})
    path = tmp_path / "usage.jsonl"
    path.write_bytes("\n".join([*[good] * 1200, line, good]).encode("utf-8", "surrogateescape"))
    before = home.rows
    done = colonnade(home.env, "sync", "usage", PORTAL, str(path))
    done.refused(f"{path}:1201: this line is no JSON message", *words, "nothing was taken in")
    assert home.rows == before


def test_a_usage_file_that_is_not_there(colonnade, home, tmp_path):
    """The path is named."""
    done = colonnade(home.env, "sync", "usage", PORTAL, str(tmp_path / "none.jsonl"))
    done.refused("none.jsonl", "No such file")


def test_a_state_of_a_newer_program(colonnade, home, tmp_path):
    """A database that no longer serves this program is refused, not "repaired"."""
    newer = tmp_path / "newer.db"
    shutil.copy(home.folder / "colonnade.db", newer)
    with sqlite3.connect(newer) as conn:
        conn.execute("UPDATE alembic_version SET version_num = 'from-the-future'")
        conn.execute("UPDATE schema_floor SET oldest = 'from-the-future'")
    conn.close()
    before = snapshot(newer)
    done = colonnade({**home.env, "DATABASE_URL": f"sqlite:///{newer}"}, "sync", "status")
    done.refused("from-the-future", "this one is older", "Start the version that migrated it")
    assert snapshot(newer) == before
