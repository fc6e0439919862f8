"""Property tests here run the same examples every time and are not timed: machines differ."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("mappings", deadline=None, derandomize=True)
settings.load_profile("mappings")
