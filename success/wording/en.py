"""The phrases in English, of which the other languages are translations.

A name before the dot says who says it. ``.one`` and ``.other`` are the forms for one and for any other
number. The titles of measures stand in their catalogue (``success.measures``).
"""

from __future__ import annotations

from collections.abc import Mapping

PHRASES: Mapping[str, str] = {
    # Values of measures.
    "value.unknown": "unknown",
    "value.share": "{percent} %",
    "value.days.one": "{count} day",
    "value.days.other": "{count} days",
    "value.stale": "last seen on {day}, too long ago",
    # How a score comes about.
    "health.known": "Health is {points} ({band}); {known} % of what we weigh is known.",
    "health.unknown": "Health is unknown: {known} % of what we weigh is known.",
    "part.counted": "{measure} adds {points} points at a weight of {share} %.",
    "part.lent": (
        "{measure} adds {points} points at a weight of {share} % "
        "({own} % of its own, the rest from measures that are unknown)."
    ),
    "part.not_enough": "{measure} is known, but not enough else is.",
    "part.redistributed": "{measure} adds nothing; its weight goes to the others.",
    "part.neutral": "{measure} adds {points} points, a neutral value in its place.",
    "part.worst": "{measure} adds {points} points, the worst value in its place.",
    "part.blocking": "{measure} is needed for any score.",
    "part.shadow": "{measure} is watched, not counted.",
    "part.cap": "{reason}: limited to {limit}, takes {points} points.",
    "part.other": "{reason}: {points} points.",
    # How a score came to change.
    "value.yes": "yes",
    "value.no": "no",
    "health.held": "By its points alone it would be {band}.",
    "part.shadow_known": (
        "{measure} is watched, not counted; by itself it would have {points} of 100 points."
    ),
    "event.times.one": "once",
    "event.times.other": "{count} times",
    "part.event_adds": "{reason} ({times}, last on {day}) adds {points} points, less with each day.",
    "part.event_takes": "{reason} ({times}, last on {day}) takes {points} points, less with each day.",
    "part.override_adds": "What {author} says adds {points} points.",
    "part.override_takes": "What {author} says takes {points} points.",
    "override.somebody": "somebody",
    "override.value": (
        "{author} set health to {points} until {day} ({reason}); the computed score is {computed}."
    ),
    "override.cap": (
        "{author} holds health at or below {points} until {day} ({reason}); the computed score is {computed}."
    ),
    "override.floor": (
        "{author} holds health at or above {points} until {day} ({reason}); the computed score is {computed}."
    ),
    "override.ended": (
        "The override of health by {author} ({points} points) ended on {day}; health is "
        "the computed score again."
    ),
    "change.moved": (
        "Health went from {before} ({before_band}) on {since} to {after} ({after_band}) on {day}: "
        "{points} points."
    ),
    "change.still": "Health is {after} ({after_band}) on {day} as on {since}: nothing moved it.",
    "change.offset": "Health is {after} ({after_band}) on {day} as on {since}: what moved it cancels out.",
    "change.was_unknown": (
        "Health was unknown on {since} because {why_before}. On {day} it is {after} ({after_band})."
    ),
    "change.is_unknown": (
        "Health was {before} ({before_band}) on {since}. On {day} it is unknown because {why_after}."
    ),
    "change.both_unknown": (
        "Health was unknown on {since} because {why_before}. On {day} it is unknown because {why_after}."
    ),
    "record.moved": (
        "Health was {before} ({before_band}) on {since} and is {after} ({after_band}) now: {points} points."
    ),
    "record.still": "Health is {after} ({after_band}) as on {since}: nothing moved it.",
    "record.offset": "Health is {after} ({after_band}) as on {since}: what moved it cancels out.",
    "record.was_unknown": (
        "Health was unknown on {since} because {why_before}. Now it is {after} ({after_band})."
    ),
    "record.is_unknown": (
        "Health was {before} ({before_band}) on {since}. Now it is unknown because {why_after}."
    ),
    "record.both_unknown": (
        "Health was unknown on {since} because {why_before}. Now it is unknown because {why_after}."
    ),
    "why.nothing": "nothing of what we weigh is known",
    "why.blocked": "no score is given without {measures}",
    "why.coverage": "{known} % of what we weigh is known and {needed} % is needed",
    "cause.ageing": "Time passing, with nothing new: {points} points.",
    "cause.data": "New data: {points} points.",
    "cause.missing": "Measures that became known or went missing: {points} points.",
    "cause.weights": "Other rules in the charter: {points} points.",
    "cause.segment": "Another scorecard, by segment or stage: {points} points.",
    "cause.override": "A score set by a person: {points} points.",
    "item.moved": "{title} from {before} to {after}: {points} points.",
    "item.same": "{title} ({after}): {points} points.",
    "item.appeared": "{title} is known now ({after}): {points} points.",
    "item.vanished": "{title} is not known any more (was {before}): {points} points.",
    "item.weighed": "{title} counts now ({after}): {points} points.",
    "item.dropped": "{title} counts no more ({before}): {points} points.",
    # What endangers an account.
    "risk.milestone": "Milestone {title} was due on {day}.",
    "risk.renewal": "The renewal due on {day} is still open.",
    "risk.no_rate": "Line {line} is in {currency}, which has no rate.",
    "risk.churned_but_open": "The flag {flag} says churned, but a contract line is open on {day}.",
    "risk.unknown_segment": (
        "The segment is pinned to '{key}', which the charter does not have; it has no effect."
    ),
    "risk.unknown_stage": (
        "The stage is pinned to '{key}', which the charter does not have; it has no effect."
    ),
    "risk.several_values": (
        "The attribute '{name}' carries several values ({values}), so it tells no segment."
    ),
    # What a churn model holds against or for an account.
    "model.raises": "{feature} ({value}) raises the risk: {log_odds} log-odds.",
    "model.lowers": "{feature} ({value}) lowers the risk: {log_odds} log-odds.",
    "model.term_ends": "A term that ends within the horizon",
    # Why our records exist.
    "profile.reason": "Every account has a profile.",
    "plan.reason": "The first recurring line began on {day}, within {days} days.",
    "milestone.reason": "{title} is reached on the first day that {evidence}.",
    # A milestone as a task, where a portal has no room for an object.
    "task.phase": "Phase: {value}",
    "task.side": "Brought about by: {value}",
    "task.evidence": "Reached when: {value}",
    "task.hint": "The milestone is reached by its evidence; completing this task does not change it.",
    "side.vendor": "Us",
    "side.customer": "Customer",
    "seats.one": "{count} seat",
    "seats.other": "{count} seats",
    "renewal.name": "{account}: renewal {day}",
    "renewal.reason.one": "{count} line worth {amount} a year comes due on {day} (term {term}).",
    "renewal.reason.other": "{count} lines worth {amount} a year come due on {day} (term {term}).",
    "renewal.adopted": "Renewal term {term} is handled in the deal {deal}, so none was opened.",
    "expansion.name": "{account}: {seats} of {product}",
    "expansion.reason.one": (
        "{share} % or more of {seats} of {product} were in use on each of the {days} days before "
        "{day}: {more} more is proposed."
    ),
    "expansion.reason.other": (
        "{share} % or more of {seats} of {product} were in use on each of the {days} days before "
        "{day}: {more} more are proposed."
    ),
    "expansion.adopted": "More seats of {product} are needed; the deal {deal} is open for it.",
}
