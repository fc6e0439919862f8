"""Configuration and the servers we bring along."""

import subprocess
import sys
from pathlib import Path

import pytest
import redis

from sync.config import REMEDIES, ConfigError, read_settings, shown_database, variables
from sync.servers import embedded_valkey

REFERENCE = Path(__file__).parents[2] / "docs" / "reference.md"


def test_every_variable_is_documented_and_has_a_remedy() -> None:
    """The reference lists each one; an error can say what to do about each one."""
    text = REFERENCE.read_text("utf-8")
    assert [name for name in variables() if f"| `{name}` |" not in text] == []
    assert set(variables()) == set(REMEDIES)


def test_nothing_need_be_set(tmp_path: Path) -> None:
    """State and usage go to the home folder; Valkey is embedded."""
    settings = read_settings({"CS_HOME": str(tmp_path), "REDIS_URL": ""})
    assert settings.database_url == f"sqlite:///{tmp_path}/colonnade.db"
    assert settings.usage_store == f"{tmp_path}/usage"
    assert (settings.redis_url, settings.port, settings.log_level) == (None, 8000, "INFO")


def test_a_heroku_environment_is_understood() -> None:
    """postgres:// and PORT as the platform sets them."""
    settings = read_settings({"DATABASE_URL": "postgres://u:hunter2@h:5/d", "PORT": "5000"})
    assert settings.database_url == "postgresql+psycopg://u:hunter2@h:5/d"
    assert settings.port == 5000
    assert shown_database(settings) == "postgresql+psycopg://u:***@h:5/d"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://u:hunter2@h/d"),
        ("REDIS_URL", "memcached://hunter2"),
        ("CS_PUBLIC_URL", "hunter2.example.com"),
        ("CS_HUBSPOT_APP_ID", "hunter2"),
        ("CS_LOG_LEVEL", "hunter2"),
        ("PORT", "70000"),
    ],
)
def test_a_wrong_variable_is_named_with_its_remedy_and_not_shown(name: str, value: str) -> None:
    """The message says which and what to do; values may hold secrets."""
    with pytest.raises(ConfigError) as caught:
        read_settings({name: value})
    assert str(caught.value).startswith(f"{name}: ")
    assert REMEDIES[name] in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_all_mistakes_are_reported_at_once() -> None:
    """Nobody mends one to meet the next."""
    with pytest.raises(ConfigError) as caught:
        read_settings({"PORT": "x", "CS_LOG_LEVEL": "loud"})
    assert {line.split(":")[0] for line in str(caught.value).splitlines()} == {"PORT", "CS_LOG_LEVEL"}


def test_secrets_are_not_in_the_settings_text() -> None:
    """A logged configuration gives nothing away."""
    environ = {
        "CS_SECRET_KEYS": "hunter2",
        "CS_HUBSPOT_CLIENT_SECRET": "hunter2",
        "DATABASE_URL": "postgres://u:hunter2@h/d",
        "REDIS_URL": "redis://:hunter2@h:1/0",
    }
    assert "hunter2" not in repr(read_settings(environ))


def test_the_embedded_valkey_keeps_what_it_has_and_refuses_strangers(tmp_path: Path) -> None:
    """AOF and noeviction as the queue needs them; another user of the machine has no password."""
    valkey = embedded_valkey(tmp_path)
    with redis.Redis.from_url(valkey.url, decode_responses=True) as client:
        wanted = {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction"}
        assert client.config_get(*wanted) == wanted
        client.set("bell", "1")
        port = client.connection_pool.connection_kwargs["port"]
    with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    other = embedded_valkey(tmp_path)
    assert (other.url, other.started_here) == (valkey.url, False)
    valkey.stop()
    again = embedded_valkey(tmp_path)
    assert again.started_here
    with redis.Redis.from_url(again.url, decode_responses=True) as client:
        assert client.get("bell") == "1"
    again.stop()


def test_the_embedded_valkey_ends_with_its_process(tmp_path: Path) -> None:
    """Nothing is left running, and the address left behind is not mistaken for a server."""
    script = "import sys; from pathlib import Path; from sync.servers import embedded_valkey\n"
    script += "print(embedded_valkey(Path(sys.argv[1])).url)"
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], check=True, capture_output=True, text=True
    )
    with redis.Redis.from_url(done.stdout.strip()) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    valkey = embedded_valkey(tmp_path)
    assert valkey.started_here
    valkey.stop()
    valkey.stop()


def test_each_test_has_an_empty_redis(redis_url: str) -> None:
    """The fixture gives a database of the worker's own, emptied."""
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "over")
