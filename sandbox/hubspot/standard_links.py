"""HubSpot's own association types between standard objects, as pairs of ids (one per direction).

Ids: HubSpot's "Associate records" tables. Rows marked in ``FROM_MEMORY`` could not be checked
against a page when this was written.
"""

from __future__ import annotations

from typing import Final

# (one type, other type, id one -> other, id other -> one, label or None)
PAIRS: Final[tuple[tuple[str, str, int, int, str | None], ...]] = (
    ("0-1", "0-2", 279, 280, None),
    ("0-1", "0-2", 1, 2, "Primary"),
    ("0-3", "0-2", 341, 342, None),
    ("0-3", "0-2", 5, 6, "Primary"),
    ("0-3", "0-1", 3, 4, None),
    ("0-3", "0-8", 19, 20, None),
    ("0-2", "0-5", 340, 339, None),
    ("0-2", "0-5", 25, 26, "Primary"),
    ("0-1", "0-5", 15, 16, None),
    ("0-3", "0-5", 27, 28, None),
    ("0-2", "0-2", 13, 14, "Parent Company"),
    ("0-2", "0-2", 450, 450, None),
    ("0-1", "0-1", 449, 449, None),
    ("0-3", "0-3", 451, 451, None),
    ("0-5", "0-5", 452, 452, None),
    ("0-3", "0-14", 63, 64, None),
    ("0-14", "0-8", 67, 68, None),
    ("0-14", "0-1", 69, 70, None),
    ("0-14", "0-2", 71, 72, None),
    ("0-2", "0-27", 191, 192, None),
    ("0-1", "0-27", 203, 204, None),
    ("0-3", "0-27", 215, 216, None),
    ("0-5", "0-27", 229, 230, None),
    ("0-2", "0-46", 189, 190, None),
    ("0-1", "0-46", 201, 202, None),
    ("0-3", "0-46", 213, 214, None),
    ("0-5", "0-46", 227, 228, None),
    ("0-2", "0-47", 187, 188, None),
    ("0-1", "0-47", 199, 200, None),
    ("0-3", "0-47", 211, 212, None),
    ("0-5", "0-47", 225, 226, None),
    ("0-2", "0-48", 181, 182, None),
    ("0-1", "0-48", 193, 194, None),
    ("0-3", "0-48", 205, 206, None),
    ("0-5", "0-48", 219, 220, None),
    ("0-2", "0-49", 185, 186, None),
    ("0-1", "0-49", 197, 198, None),
    ("0-3", "0-49", 209, 210, None),
    ("0-5", "0-49", 223, 224, None),
    ("0-2", "0-18", 88, 87, None),
    ("0-1", "0-18", 82, 81, None),
    ("0-3", "0-18", 86, 85, None),
    ("0-5", "0-18", 84, 83, None),
    ("0-1", "0-19", 97, 98, None),
    ("0-5", "0-19", 99, 100, None),
    ("0-2", "0-19", 101, 102, None),
)

# Both labels of a pair differ only for parent and child companies.
CHILD_LABEL: Final = "Child Company"
# A record may have one of these at a time; setting it on another record moves it.
PRIMARY_IDS: Final = frozenset({1, 5, 26})
FROM_MEMORY: Final = frozenset(
    {13, 14, 15, 16, 25, 26, 27, 28, *range(81, 89), *range(97, 103), 449, 450, 451, 452}
)
