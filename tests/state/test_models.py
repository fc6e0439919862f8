"""Trained models are kept whole and for ever, per installation, with who brought which into force."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine

from sync.state import models
from sync.state.engine import reading, writing
from sync.state.errors import StateError
from sync.state.models import Life, Training
from tests.state.moments import DAY, HOUR, NOW, A, B

FIRST = Training("churn", "h1", "{}", 1, 90, "c1", NOW, date(2025, 1, 1), date(2025, 10, 1))
FORCED = Life("churn", 0, 1, "ann", NOW, "to see it", forced=True, report=None)


def test_the_same_content_is_the_same_version(engine: Engine) -> None:
    """Another training of equal content adds nothing; another content, or definition, is the next version."""
    with writing(engine) as conn:
        one = models.add(conn, A, FIRST)
        assert models.add(conn, A, replace(FIRST, trained_at=NOW + DAY)) == one
        assert models.add(conn, A, replace(FIRST, content_hash="h2")).name == "churn@2"
        assert models.add(conn, A, replace(FIRST, definition=2)).name == "churn@3"
        assert models.add(conn, A, replace(FIRST, key="loyalty", first_day=None)).name == "loyalty@1"
    with reading(engine) as conn:
        assert models.version_of(conn, A, "churn", 1) == one
        assert models.version_of(conn, A, "churn").version == 3
        assert [found.name for found in models.versions(conn, A)] == [
            "churn@1",
            "churn@2",
            "churn@3",
            "loyalty@1",
        ]
        assert models.versions(conn, B) == []


def test_a_version_nobody_trained_is_an_error_with_the_way_out(engine: Engine) -> None:
    """It names those there are."""
    with writing(engine) as conn:
        models.add(conn, A, FIRST)
        with pytest.raises(
            StateError, match="no trained model churn@7 \\(churn@1\\); `colonnade model train"
        ):
            models.version_of(conn, A, "churn", 7)


def test_what_was_in_force_can_be_asked_of_any_moment(engine: Engine) -> None:
    """Never one, then the first, then the second of a key beside another, then none of it."""
    with writing(engine) as conn:
        for training in (FIRST, replace(FIRST, content_hash="h2"), replace(FIRST, key="loyalty")):
            models.add(conn, A, training)
        assert models.enter(conn, A, FORCED).seq == 1
        second = replace(FORCED, version=2, effective_at=NOW + HOUR, forced=False, report="r1")
        assert models.enter(conn, A, second).seq == 2
        models.enter(conn, A, replace(FORCED, key="loyalty", effective_at=NOW + HOUR))
        models.enter(conn, A, replace(FORCED, version=None, effective_at=NOW + DAY, forced=False))
    with reading(engine) as conn:
        assert models.in_force(conn, A, NOW - HOUR) is None
        names = [
            sorted(one.name for one in (models.in_force(conn, A, NOW + span) or {}).values())
            for span in (NOW - NOW, HOUR, DAY)
        ]
        assert names == [["churn@1"], ["churn@2", "loyalty@1"], ["loyalty@1"]]
        assert [one.report for one in models.history(conn, A, "churn")] == [None, "r1", None]
        assert models.in_force(conn, B, NOW + DAY) is None
