"""The demo touches nobody else's state: it moves the clock of the database it runs on, and takes its queues.

So a database that holds an installation, or a Redis that workers answer, is refused.
"""

from __future__ import annotations

from rq import Queue, Worker

from sync.bell import Lane
from sync.config import ConfigError, shown_database
from sync.runtime import Runtime
from sync.state import installations
from sync.state.engine import reading


def refuse_others_state(runtime: Runtime) -> None:
    """Raise ConfigError when the database or the Redis is in use by others than this demo."""
    with reading(runtime.engine) as conn:
        held = installations.every(conn)
    if held:
        raise ConfigError(
            f"DATABASE_URL: {shown_database(runtime.settings)} holds the installation {held[0].id}, and the "
            "demo moves its database's clock; give it an empty database, or leave DATABASE_URL out"
        )
    queued = any(Queue(lane.value, connection=runtime.redis).count for lane in Lane)
    if queued or Worker.all(connection=runtime.redis):
        raise ConfigError(
            "REDIS_URL: work or workers of another deployment are in this Redis, which would mix with the "
            "demo's; name another database of it, or leave REDIS_URL out"
        )
