"""Who plays which part: the story planted in each account, and what the folder says is true of it.

Stories are dealt from shuffled decks of fifty, so that every story is there in every full
fifty accounts and the first N accounts are the same in a portfolio of any size.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from random import Random
from typing import Final


class Story(StrEnum):
    """What is going on in an account. Names are keys of the truth in ``portfolio.json``."""

    USAGE_DECAY = "usage_decay"
    CHAMPION_LEFT = "champion_left"
    ESCALATION = "escalation"
    PRICE = "price"
    NO_ADOPTION = "no_adoption"
    EXPANSION_READY = "expansion_ready"
    ONBOARDING_ON_TRACK = "onboarding_on_track"
    ONBOARDING_STALLED = "onboarding_stalled"
    RENEWAL_SOON = "renewal_soon"
    RENEWAL_TO_ADOPT = "renewal_to_adopt"
    RENEWAL_TOMORROW = "renewal_tomorrow_enters_window"
    MONTHLY = "monthly_open_ended"
    TRIAL = "trial"
    PROSPECT = "prospect"
    HEALTHY = "healthy"
    STEADY = "steady"


CAUSES: Final = frozenset(
    {Story.USAGE_DECAY, Story.CHAMPION_LEFT, Story.ESCALATION, Story.PRICE, Story.NO_ADOPTION}
)
ONBOARDING: Final = frozenset({Story.ONBOARDING_ON_TRACK, Story.ONBOARDING_STALLED})
WITHOUT_CONTRACT: Final = frozenset({Story.TRIAL, Story.PROSPECT})


@dataclass(frozen=True, slots=True)
class Part:
    """An account's story; ``churned``: its last paid term has ended and nothing followed."""

    story: Story
    churned: bool = False


_COUNTS: Final = {
    Story.USAGE_DECAY: 2, Story.CHAMPION_LEFT: 1, Story.ESCALATION: 1, Story.PRICE: 1, Story.NO_ADOPTION: 1,
    Story.EXPANSION_READY: 4, Story.ONBOARDING_ON_TRACK: 3, Story.ONBOARDING_STALLED: 2,
    Story.RENEWAL_SOON: 4, Story.RENEWAL_TO_ADOPT: 1, Story.RENEWAL_TOMORROW: 1,
    Story.MONTHLY: 4, Story.TRIAL: 1, Story.PROSPECT: 1, Story.HEALTHY: 10, Story.STEADY: 8,
}  # fmt: skip
_DECK: Final = tuple(Part(story) for story, count in _COUNTS.items() for _ in range(count)) + tuple(
    Part(cause, churned=True) for cause in sorted(CAUSES)
)


def draw(seed: int, index: int, topic: str) -> Random:
    """Return the random numbers of one topic of one account; other accounts and topics never shift them."""
    return Random(f"{seed}/{index}/{topic}")


@lru_cache(maxsize=4)
def _dealt(seed: int, block: int) -> tuple[Part, ...]:
    """Return the shuffled deck of one block of fifty accounts."""
    deck = list(_DECK)
    draw(seed, block, "deck").shuffle(deck)
    return tuple(deck)


def part_of(seed: int, index: int) -> Part:
    """Return the part of the account at ``index``, counted from 0."""
    block, place = divmod(index, len(_DECK))
    return _dealt(seed, block)[place]
