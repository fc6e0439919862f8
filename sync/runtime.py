"""What one process needs to work: configuration, database, clock, Redis, and the secret box.

``app.py`` and the jobs open it once per process. Neighbours: ``sync/workspace.py`` adds
what belongs to one installation.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine, select

from sync.clock import Clock, clock_of
from sync.config import ConfigError, Settings, read_settings
from sync.servers import embedded_valkey, locked
from sync.state import installations
from sync.state.engine import migrate, open_engine, reading
from sync.state.secrets import SecretBox, new_key
from sync.work_folder import delete_leftovers

ANSWER_WITHIN_S = 5.0
"""How long Redis may be silent: a webhook's answer waits for a bell. A worker's wait for one is shorter."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """The process's handles. Thread-safe; connections are pooled behind each."""

    settings: Settings
    engine: Engine
    clock: Clock
    redis: Redis
    box: SecretBox


def open_runtime(settings: Settings) -> Runtime:
    """Return the handles of this process, the database migrated.

    Raises ConfigError when Redis does not answer, StateError when the database does not.
    """
    engine = open_engine(settings.database_url)
    migrate(engine)
    return Runtime(settings, engine, clock_of(engine), open_redis(settings), _box(settings, engine))


def open_redis(settings: Settings) -> Redis:
    """Return a Redis or Valkey client that has answered; without REDIS_URL the embedded Valkey's.

    Raises ConfigError when it does not answer, or where its address changes how long an answer is waited for.
    """
    url = settings.redis_url or embedded_valkey(settings.home).url
    client = Redis.from_url(url, socket_connect_timeout=5, socket_timeout=ANSWER_WITHIN_S)
    waits = client.connection_pool.connection_kwargs["socket_timeout"]
    if waits != ANSWER_WITHIN_S:  # an idle worker would take each wait for an outage, or a webhook wait on
        raise ConfigError(
            f"REDIS_URL: its socket_timeout={waits} is not for an address to say: "
            f"every process waits {ANSWER_WITHIN_S:.0f} s for an answer; leave it out"
        )
    try:
        client.ping()
    except RedisError as error:
        raise ConfigError(
            f"REDIS_URL: no Redis answers at {_without_password(url)} ({error}); "
            "start it, or correct REDIS_URL. Nothing is lost: the work waits in the database"
        ) from error
    return client


def _box(settings: Settings, engine: Engine) -> SecretBox:
    """Return the process's box; no second machine makes a key of its own beside what another has sealed.

    Raises ConfigError where the database holds credentials and neither a variable nor the home a key.
    """
    if settings.secret_keys is None and not _key_file(settings).exists() and _holds_credentials(engine):
        raise ConfigError(
            "CS_SECRET_KEYS: the database holds credentials that were sealed elsewhere, and this machine has "
            "no key; give every process the same keys, or copy secret.key into CS_HOME"
        )
    return secret_box(settings)


def _holds_credentials(engine: Engine) -> bool:
    with reading(engine) as conn:
        return conn.execute(select(installations.credential.c.installation_id).limit(1)).first() is not None


def _key_file(settings: Settings) -> Path:
    return settings.home / "secret.key"


def secret_box(settings: Settings) -> SecretBox:
    """Return the box that seals credentials; without CS_SECRET_KEYS, with a key kept in CS_HOME.

    The embedded default makes its key once, readable by this user only.
    """
    if settings.secret_keys is not None:
        return SecretBox.from_text(settings.secret_keys.get_secret_value())
    path = _key_file(settings)
    if not path.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        with locked(settings.home / "secret.lock"):
            if not path.exists():
                made = settings.home / "secret.key.new"
                made.touch(mode=0o600)
                made.write_text(new_key(), encoding="ascii")
                made.replace(path)  # whole at once: a process beside us reads without the lock
    return SecretBox.from_text(path.read_text(encoding="ascii"))


@lru_cache(maxsize=1)
def process_runtime() -> Runtime:
    """Return this process's runtime from its environment, opened at the first call.

    What processes that were killed left on the disk goes then.
    """
    runtime = open_runtime(read_settings())
    with suppress(OSError):  # where nothing can be written in the home, nothing was left
        delete_leftovers(runtime.settings)
    return runtime


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
