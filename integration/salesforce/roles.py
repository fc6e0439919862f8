"""Contact roles copied from opportunity to opportunity: read when they are needed, added once.

Nothing about a role is unique and none carries our key, so a call that adds roles is never repeated unseen:
made with their deal they stand or fall with its key, and under a deal that stands they are added only where
it has no role at all. The org keeps roles of contacts it has deleted, so the contacts are asked for as well.
Source: object reference, "OpportunityContactRole". Neighbours: ``wholes`` makes deals together with roles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from integration.port import Refusal, Refused, RowError
from integration.salesforce.composite import Part
from integration.salesforce.errors import row_error
from integration.salesforce.graph import Graph, send_graphs
from integration.salesforce.limits import GRAPH_NODES
from integration.salesforce.transport import Transport
from integration.salesforce.values import soql_text
from integration.wholes import RolesWanted

OBJECT: Final = "OpportunityContactRole"
REASON: Final = f"write {OBJECT}"
DEAL, CONTACT, ROLE, PRIMARY = "OpportunityId", "ContactId", "Role", "IsPrimary"
IDS_PER_QUERY: Final = 200
NODE: Final = "role"


@dataclass(frozen=True, slots=True)
class Role:
    """What a contact is to a deal; ``name`` is the org's word, if it has one."""

    contact: str
    name: str | None
    primary: bool


Roles = tuple[Role, ...]


def find_roles(transport: Transport, wanted: Sequence[Sequence[str]]) -> list[Roles | RowError]:
    """Return, for each list of deals, the roles they have between them, or why they cannot be read.

    Each contact once in each role, the first deal's first; at most one is primary. Contacts that were deleted
    or are hidden from us are left out. Two calls for up to 200 deals, none for none.
    """
    try:
        by_deal = _by_deal(transport, sorted({deal for deals in wanted for deal in deals}))
        people = sorted({role.contact for roles in by_deal.values() for role in roles})
        there = {str(row["Id"]) for row in _select(transport, "Id", "Contact", "Id", people)}
    except Refused as refused:
        return [refused.error if deals else () for deals in wanted]
    return [_joined([by_deal.get(deal, ()) for deal in deals], there) for deals in wanted]


def role_nodes(deal: str, roles: Roles) -> dict[str, Part]:
    """Return the nodes of a graph that add roles to a deal, given by its id or as a reference to its node."""
    nodes = {}
    for place, role in enumerate(roles):
        named = {} if role.name is None else {ROLE: role.name}
        body = {DEAL: deal, CONTACT: role.contact, PRIMARY: role.primary, **named}
        nodes[f"{NODE}{place}"] = Part("POST", f"sobjects/{OBJECT}", body)
    return nodes


def copy_roles(transport: Transport, wanted: Sequence[RolesWanted]) -> list[RowError | None]:
    """See ``WholePort.copy_roles``; three calls for up to 75 deals, one where all of them have roles."""
    try:
        known = _by_deal(transport, sorted({one.record_id for one in wanted}))
    except Refused as refused:
        return [refused.error] * len(wanted)
    bare = [place for place, one in enumerate(wanted) if one.record_id not in known]
    told: dict[int, RowError | None] = {}
    graphs: dict[int, Graph] = {}
    for place, found in zip(
        bare, find_roles(transport, [wanted[place].roles_of for place in bare]), strict=True
    ):
        if isinstance(found, RowError):
            told[place] = found
        elif len(found) > GRAPH_NODES:
            words = f"more than {GRAPH_NODES} contact roles are not copied"
            told[place] = RowError(Refusal.FIXABLE, "TOO_MANY_ROLES", words)
        elif found:
            graphs[place] = Graph(role_nodes(wanted[place].record_id, found))
    told |= _send(transport, graphs)
    return [told.get(place) for place in range(len(wanted))]


def _send(transport: Transport, graphs: Mapping[int, Graph]) -> dict[int, RowError | None]:
    answers = send_graphs(transport, REASON, list(graphs.values()), again=False)
    told: dict[int, RowError | None] = {}
    for place, answer in zip(graphs, answers, strict=True):
        failure = answer.failure
        told[place] = row_error(failure.code, failure.message, failure.fields) if failure else None
    return told


def _joined(roles: Sequence[Roles], there: set[str]) -> Roles:
    """Return the roles of several deals as one deal has them."""
    found: dict[tuple[str, str | None], Role] = {}
    primary = False
    for role in (one for held in roles for one in held if one.contact in there):
        key = role.contact, role.name
        leads = role.primary and not primary
        if key not in found or leads:
            found[key] = Role(role.contact, role.name, leads)
        primary = primary or leads
    return tuple(found.values())


def _by_deal(transport: Transport, deals: Sequence[str]) -> dict[str, Roles]:
    """Return the roles of the deals that have any, the oldest first."""
    found: dict[str, Roles] = {}
    shown = f"Id, {DEAL}, {CONTACT}, {ROLE}, {PRIMARY}"
    for row in _select(transport, shown, OBJECT, DEAL, deals):
        role = Role(str(row[CONTACT]), row.get(ROLE), bool(row[PRIMARY]))
        found[str(row[DEAL])] = (*found.get(str(row[DEAL]), ()), role)
    return found


def _select(
    transport: Transport, shown: str, object_name: str, field: str, ids: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    """Yield the rows whose ``field`` is one of the ids, by id."""
    for start in range(0, len(ids), IDS_PER_QUERY):
        listed = ",".join(map(soql_text, ids[start : start + IDS_PER_QUERY]))
        after, done = "", False
        while not done:
            beyond = f" AND Id > {soql_text(after)}" if after else ""
            soql = f"SELECT {shown} FROM {object_name} WHERE {field} IN ({listed}){beyond} ORDER BY Id"
            answer = transport.query(REASON, soql)
            yield from answer["records"]
            done = bool(answer["done"])
            after = "" if done else str(answer["records"][-1]["Id"])
