"""Bringing a database up to date takes addresses of people out of what was counted."""

from __future__ import annotations

import importlib
from datetime import date

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Engine

from sync.state import usage_store
from sync.state.engine import writing
from sync.state.usage_store import Presence
from sync.usage_events import kept_user

DAY = date(2026, 1, 2)
MIGRATION = importlib.import_module("sync.state.migrations.versions.v0008_usage_identity")


def test_an_address_kept_before_becomes_the_hash_kept_now(engine: Engine) -> None:
    """Of two people seen one was kept by address: the other stays; each installation has its own hash."""
    with writing(engine) as conn:
        for owner in ("a", "b"):
            seen = [Presence("1", "p", DAY, user, DAY) for user in ("ann@birch.example", "u2")]
            usage_store.add_presence(conn, owner, seen)
        with Operations.context(MigrationContext.configure(conn)):
            MIGRATION._hide_addresses()
        users = {
            owner: {one.user_ref for one in usage_store.presence(conn, owner, ["1"], (DAY, date.max))}
            for owner in ("a", "b")
        }
    assert users == {owner: {"u2", kept_user(owner, "ann@birch.example")} for owner in ("a", "b")}
    assert users["a"] != users["b"]
