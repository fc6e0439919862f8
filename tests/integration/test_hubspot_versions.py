"""How long the paths we build on are supported; days counted by hand from HubSpot's announcements."""

from datetime import date

import pytest

from integration.hubspot.connector import DEFAULT_VERSION, PATHS
from integration.hubspot.versions import default_warning, every_life, life_of, unsupported_on


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("/crm/objects/2026-09/companies", date(2028, 3, 8)),
        ("/crm/objects/2026-03/companies", date(2027, 9, 30)),
        ("/crm/v4/associations/0-2/0-3/batch/read", date(2027, 3, 30)),
        ("/webhooks/v4/journal", date(2027, 3, 30)),
        ("/crm/v3/objects/companies", date(2027, 9, 1)),
        ("/crm-object-schemas/v3/schemas", date(2027, 9, 1)),
        ("/oauth/v1/token", date(2027, 2, 16)),
    ],
)
def test_every_path_has_its_last_day(path, day):
    """18 months for a dated version; v4, v1 to v3 and the v1 OAuth endpoints each on a day of their own."""
    assert unsupported_on(path) == day


@pytest.mark.parametrize("path", ["/crm/objects/2025-09/companies", "/crm/objects/companies"])
def test_a_path_of_no_known_version_is_refused(path):
    """Its end could not be watched."""
    with pytest.raises(ValueError, match="no version"):
        unsupported_on(path)


def test_a_version_lasts_as_long_as_its_first_path_to_go():
    """Of the legacy paths the OAuth endpoints go first: 48 days after the last of 2026."""
    legacy = life_of(PATHS["v3"], date(2026, 12, 30))
    assert (legacy.first_to_go, legacy.unsupported_on) == ("/oauth/v1", date(2027, 2, 16))
    assert legacy.days_left == 48
    assert "/oauth/v1 goes first" in legacy.warning


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (date(2026, 11, 21), ""),
        (date(2027, 12, 8), ""),  # 91 days before 2028-03-08
        (date(2027, 12, 9), "supported for 90 days more, until 2028-03-08"),
        (date(2028, 3, 7), "supported for 1 days more"),
        (date(2028, 3, 8), "has not been supported since 2028-03-08"),
        (date(2029, 1, 1), "has not been supported since 2028-03-08"),
    ],
)
def test_the_version_we_build_on_warns_ninety_days_ahead(today, words):
    """2028 is a leap year; from 9 December to 8 March are 22 + 31 + 29 + 8 days."""
    told = default_warning(today)
    assert (told == "") == (words == "")
    assert words in told


def test_we_build_on_a_dated_version_and_know_every_area_in_each():
    """Each row of the path table names the same areas, and every prefix has a last day."""
    lives = every_life(date(2026, 11, 21))
    assert [one.version for one in lives if one.is_default] == [DEFAULT_VERSION] == ["2026-09"]
    for paths in PATHS.values():
        assert all(prefix.startswith("/") and unsupported_on(prefix) for prefix in paths.prefixes().values())
        assert len(paths.prefixes()) == 16


def test_the_prefixes_that_were_renamed_between_versions():
    """HubSpot's own pages name these; a template over the version would get them wrong."""
    found = {name: (paths.app_webhooks, paths.journal, paths.app_installs) for name, paths in PATHS.items()}
    assert found == {
        "2026-09": (
            "/app-webhooks/2026-09",
            "/webhooks-journal/journal/2026-09",
            "/appinstalls/2026-09/external-install",
        ),
        "2026-03": (
            "/webhooks/2026-03",
            "/webhooks-journal/journal/2026-03",
            "/appinstalls/2026-03/external-install",
        ),
        "v3": ("/webhooks/v3", "/webhooks/v4/journal", "/appinstalls/v3/external-install"),
    }
