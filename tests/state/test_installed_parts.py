"""Which parts of a portal are ours: what we meant to make, until it is taken back."""

from sqlalchemy import Engine

from integration.parts import OwnedPart, Part, PartKind
from sync.state import installed_parts
from sync.state.engine import writing
from tests.state.moments import HOUR, NOW, A

HEALTH = Part(PartKind.FIELD, "companies", "cs_health")
AT_RISK = Part(PartKind.LIST, "companies", "CS At risk")


def test_a_part_is_ours_from_the_moment_we_mean_to_make_it(engine: Engine) -> None:
    """A crash between the call and our note of it must not make a part of ours the customer's."""
    with writing(engine) as conn:
        installed_parts.intend(conn, A, NOW, [HEALTH, AT_RISK])
        assert installed_parts.owned(conn, A) == (OwnedPart(HEALTH), OwnedPart(AT_RISK))


def test_the_crms_own_id_is_kept_and_outlives_a_second_intention(engine: Engine) -> None:
    """A list is removed by its id; planning it again or confirming it without an id loses nothing."""
    with writing(engine) as conn:
        installed_parts.intend(conn, A, NOW, [AT_RISK])
        installed_parts.confirm(conn, A, NOW, {AT_RISK: "77"})
        installed_parts.intend(conn, A, NOW + HOUR, [AT_RISK])
        installed_parts.confirm(conn, A, NOW + HOUR, {AT_RISK: None})
        assert installed_parts.owned(conn, A) == (OwnedPart(AT_RISK, "77"),)


def test_what_was_never_meant_to_be_made_is_not_ours(engine: Engine) -> None:
    """Confirming a part that stood before adds nothing; forgetting one leaves the others."""
    with writing(engine) as conn:
        installed_parts.confirm(conn, A, NOW, {HEALTH: None})
        assert installed_parts.owned(conn, A) == ()
        installed_parts.intend(conn, A, NOW, [HEALTH, AT_RISK])
        installed_parts.forget(conn, A, [HEALTH])
        assert installed_parts.owned(conn, A) == (OwnedPart(AT_RISK),)
