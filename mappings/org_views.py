"""List views that only a charter can make: one of the reader's own accounts for each band of health.

The fixed package can show who is below fifty points; which bands there are is the charter's to say.
Neighbours: ``integration.salesforce.generated`` writes them, ``naming`` has the names.
"""

from __future__ import annotations

from integration.salesforce.generated import VIEW_CHARACTERS, ViewSpec
from mappings.charter import Charter
from mappings.naming import SALESFORCE, vendor_name

# Standard columns are named as list views name them (Metadata API guide, "ListView").
_ACCOUNT, _ACCOUNT_NAME, _OWNER = "Account", "ACCOUNT.NAME", "CORE.USERS.ALIAS"
_SHOWN = ("profile_health", "profile_trend", "profile_stage", "profile_arr", "profile_renewal_on")


def _view_name(key: str) -> str:
    """Return a developer name, which takes no two underscores in a row."""
    head, tail = "CS_My_", "_Accounts"
    stem = "_".join(word for word in key.split("_") if word)
    return head + stem[: VIEW_CHARACTERS - len(head + tail)].rstrip("_") + tail


def band_views(charter: Charter) -> tuple[ViewSpec, ...]:
    """Return a list view for each band, worst first; none where the accounts are not Salesforce's own.

    The band is read by the core's formula field, which exists on Account only.
    """
    if charter.crm_for(SALESFORCE).reads.account.object != _ACCOUNT:
        return ()
    columns = (_ACCOUNT_NAME, *(vendor_name(name, SALESFORCE) for name in _SHOWN), _OWNER)
    return tuple(
        ViewSpec(
            object=_ACCOUNT,
            name=_view_name(band.key),
            label=f"My Accounts: {band.title}",
            columns=columns,
            filters=((vendor_name("profile_band", SALESFORCE), "equals", band.key),),
            mine=True,
        )
        for band in charter.scorecard.bands
    )
