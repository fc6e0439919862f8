"""What a model in force says of an account on its profile: probability where earned, rank, reasons.

Neighbours: ``records`` writes these fields, ``sync.models`` says which model is in force.
"""

from __future__ import annotations

from datetime import date

from success.desired import Value
from success.explain import tenths
from success.prediction.features import values
from success.prediction.reasons import reasons
from success.view import AccountView
from success.wording.words import Words

NOTHING: dict[str, Value] = {"churn_risk": None, "churn_rank": None, "risk_reasons": None}


def risk_fields(view: AccountView, as_of: date) -> dict[str, Value]:
    """Return the profile's fields of risk; empty of value for who is no customer or without a model in force.

    Where no model ever was in force there are no such fields, and nothing of them is written.
    """
    if view.rules.models is None:
        return {}
    if not view.rules.models or not view.open_lines(as_of):
        return dict(NOTHING)
    scoring = view.rules.models[0]
    found = values(view, scoring.model.names, scoring.horizon_days, as_of)
    thousandths = scoring.model.probability(found)
    return {
        "churn_risk": None if thousandths is None else tenths(thousandths),
        "churn_rank": scoring.model.rank(found),
        "risk_reasons": "\n".join(reasons(scoring.model, found, Words(view.rules.language))),
    }
