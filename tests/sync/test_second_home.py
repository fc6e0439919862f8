"""A second machine needs the first one's keys: it makes none of its own beside what is sealed already."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync.config import ConfigError, read_settings
from sync.runtime import Runtime, open_runtime
from sync.state import installations
from sync.state.engine import reading, writing
from tests.state.moments import NOW, A


def opened(engine: Engine, redis_url: str, home: Path) -> Runtime:
    """Start a process whose environment names no keys."""
    address = engine.url.render_as_string(hide_password=False)
    return open_runtime(
        read_settings({"CS_HOME": str(home), "DATABASE_URL": address, "REDIS_URL": redis_url})
    )


def test_a_home_without_a_key_is_refused_beside_sealed_credentials(
    sqlite_engine: Engine, redis_url: str, tmp_path: Path
) -> None:
    """The first machine makes its key; the second is told what to give it, and with the key it opens them."""
    first, second = tmp_path / "first", tmp_path / "second"
    runtime = opened(sqlite_engine, redis_url, first)
    with writing(sqlite_engine) as conn:
        installations.save_secret(conn, runtime.box, A, NOW, "client", "hello")
    with pytest.raises(ConfigError, match=r"CS_SECRET_KEYS: .*give every process the same keys"):
        opened(sqlite_engine, redis_url, second)
    assert not (second / "secret.key").exists()
    second.mkdir(exist_ok=True)
    shutil.copy(first / "secret.key", second)
    with reading(sqlite_engine) as conn:
        found = installations.load_secret(conn, opened(sqlite_engine, redis_url, second).box, A, "client")
    assert found == "hello"
