"""What happens to an org as a whole: another edition, a release, a refresh of a Salesforce sandbox.

Called by the control endpoints; each change is what an admin or Salesforce itself would do. Neighbours:
``edge`` lists the versions, ``oauth`` asks whether the org is a sandbox, ``quota`` asks for its edition.
"""

from __future__ import annotations

from typing import Any

from sandbox.salesforce.ids import mint
from sandbox.salesforce.org import Org
from sandbox.salesforce.store import Change

ORG_PREFIX = "00D"


def change_org(org: Org, body: dict[str, Any]) -> dict[str, Any]:
    """Change what is named (``edition``, ``is_sandbox``, ``newest_version``, ``number``); return all of it.

    ``number`` makes it another org at the same address, as a refresh does: a new org id, and no token lives.
    """
    row = dict(org.store.table("Organization")[org.org_id])
    change = Change()
    row["OrganizationType"] = body.get("edition", row["OrganizationType"])
    row["IsSandbox"] = bool(body.get("is_sandbox", row["IsSandbox"]))
    if "number" in body:
        org.store.remove(change, "Organization", org.org_id)
        row["Id"] = mint(ORG_PREFIX, int(body["number"]))
    org.store.put(change, "Organization", row)
    org.org_id = row["Id"]
    if "newest_version" in body:
        org.newest_version = int(body["newest_version"])
        org.store.note("newest version", org.newest_version)
    org.commit()
    return {"org_id": org.org_id, "edition": row["OrganizationType"], "is_sandbox": row["IsSandbox"],
            "newest_version": org.newest_version}  # fmt: skip
