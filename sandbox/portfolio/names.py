"""Words the generator draws from. All made up; every domain ends in the reserved ``.example``."""

from __future__ import annotations

from typing import Final

from sandbox.portfolio.model import Product


def _words(text: str) -> tuple[str, ...]:
    """Return the words of a text."""
    return tuple(text.split())


VENDOR: Final = "Brightwater Software"

CORE: Final = "workspace"
SERVICES: Final = "services"
ADD_ONS: Final = ("insights", "automate", "vault")
PRODUCTS: Final = (
    Product(CORE, "Brightwater Workspace", "480.00"),
    Product("insights", "Brightwater Insights", "240.00"),
    Product("automate", "Brightwater Automate", "300.00"),
    Product("vault", "Brightwater Vault", "180.00"),
    Product(SERVICES, "Onboarding services", "5000.00"),
)
FEATURES: Final = {
    CORE: ("login", "boards", "documents", "comments", "search", "share", "templates", "mobile"),
    "insights": ("dashboards", "reports", "export", "alerts"),
    "automate": ("rules", "schedules", "connectors", "runs"),
    "vault": ("retention", "audit_log", "access_review"),
}

FIRST_NAMES: Final = _words(
    "Ada Amara Anton Aya Ben Bruno Carla Chen Clara Dana Diego Elif Emil Erik Farah Finn Greta Hana "
    "Hugo Ines Ivan Jana Jonas Kofi Lara Leo Lin Lucia Maja Malik Mara Marco Mei Mika Nadia Nils Noor "
    "Olga Omar Paula Pedro Priya Rafael Rosa Sami Sara Sofia Tariq Tessa Theo Uma Vera Wei Yara Yusuf Zoe"
)
LAST_NAMES: Final = _words(
    "Abara Adler Almeida Bakker Berg Bianchi Castro Chandra Costa Dahl Demir Duarte Eriksen Ferrari "
    "Fischer Garcia Haddad Hansen Ito Jansen Kaya Keller Khan Kim Kowalski Kumar Laine Larsen Lopez "
    "Mancini Mbeki Meyer Moreau Mori Nakata Novak Okafor Olsen Petrov Quist Rahman Reyes Rossi Sato "
    "Schmid Silva Singh Sorensen Tanaka Torres Ueda Varga Vogel Weber Yilmaz Zhang"
)
NAME_STARTS: Final = _words(
    "Alder Amber Apex Arbor Atlas Aurora Beacon Birch Bluefin Boreal Bright Canyon Cedar Cobalt Coral "
    "Crest Delta Ember Falcon Fern Fjord Forge Garnet Glacier Granite Harbor Hazel Heron Indigo Iron "
    "Juniper Kestrel Lark Laurel Lumen Maple Meridian Mesa Mistral Nimbus Nova Oak Onyx Orchard Osprey "
    "Pine Polar Quarry Quill Raven Ridge River Rowan Saffron Sage Sierra Slate Solstice Sparrow Summit "
    "Tern Thistle Tidal Timber Umber Vale Vertex Willow Zephyr"
)
NAME_ENDS: Final = _words(
    "Analytics Bank Biotech Capital Clinics Components Energy Foods Freight Health Holdings Insurance "
    "Labs Logistics Media Mobility Networks Partners Pharma Retail Robotics Schools Security Studios "
    "Systems Telecom Textiles Tools Travel Works"
)
INDUSTRIES: Final = (
    "Software", "Financial services", "Healthcare", "Manufacturing", "Retail", "Education",
    "Logistics", "Energy", "Media", "Public sector",
)  # fmt: skip

USD_COUNTRIES: Final = ("US", "US", "US", "US", "CA", "BR", "IN", "JP", "SG", "AU")
EUR_COUNTRIES: Final = ("DE", "FR", "NL", "ES", "IT", "IE")
GBP_COUNTRIES: Final = ("GB",)

TITLES: Final = {
    "champion": ("Operations manager", "Team lead", "Programme manager"),
    "economic_buyer": ("Chief financial officer", "VP operations", "Managing director"),
    "admin": ("IT administrator", "Systems engineer", "Application owner"),
    "user": ("Analyst", "Coordinator", "Specialist", "Planner"),
}
LEFT_TITLE: Final = "No longer with the company"

TICKET_SUBJECTS: Final = (
    "Cannot sign in after password change", "Export is missing rows", "Question about permissions",
    "Dashboard is slow in the morning", "How do we add a second workspace", "Invoice address needs a change",
    "Notification arrives twice", "Search finds no recent documents", "Import stops half way",
)  # fmt: skip
ESCALATION_SUBJECTS: Final = (
    "Data missing after the update", "Outage during month end", "Automation wrote wrong values",
)  # fmt: skip
PRICE_SUBJECT: Final = "Renewal quote is above our budget"
