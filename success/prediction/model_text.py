"""A model as JSON and back: versioned, one text for equal models, named by a hash of its content.

Fractions are written as fractions, so that a stored model gives the same contributions to the millionth.
Neighbours: ``model`` holds the values, ``sync.state.models`` the texts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from success.prediction.model import Calibration, Encoded, Feature, Model, Rung, Trained
from success.prediction.profile import Profile
from success.prediction.scale import Scale
from success.prediction.table import Kind, Role

FORMAT = 1


def to_json(model: Model) -> str:
    """Return the model as JSON text; equal models give equal text."""
    body = {
        "format": FORMAT,
        "rung": model.rung.value,
        "base": model.base,
        "strength": model.strength,
        "cuts": list(model.cuts),
        "features": [_feature_out(feature) for feature in model.features],
        "trained": asdict(model.trained),
        "calibration": None if model.calibration is None else asdict(model.calibration),
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def from_json(text: str) -> Model:
    """Return the model written by ``to_json``. Raises ValueError on another format."""
    body = json.loads(text)
    if body.get("format") != FORMAT:
        raise ValueError(f"model format {body.get('format')} is not {FORMAT}: train it anew")
    calibration = body["calibration"]
    return Model(
        rung=Rung(body["rung"]),
        base=body["base"],
        features=tuple(_feature_in(feature) for feature in body["features"]),
        trained=Trained(**body["trained"]),
        strength=body["strength"],
        calibration=None if calibration is None else Calibration(**calibration),
        cuts=tuple(body["cuts"]),
    )


def content_hash(model: Model) -> str:
    """Return the SHA-256 of the model's text, in hexadecimal digits."""
    return hashlib.sha256(to_json(model).encode()).hexdigest()


def _feature_out(feature: Feature) -> dict[str, Any]:
    return {
        "name": feature.name,
        "kind": feature.kind.value,
        "role": feature.role.value,
        "against": feature.against,
        "encoded": [_encoded_out(one) for one in feature.encoded],
        "profile": None if feature.profile is None else _profile_out(feature.profile),
    }


def _feature_in(body: Mapping[str, Any]) -> Feature:
    return Feature(
        body["name"],
        Kind(body["kind"]),
        Role(body["role"]),
        tuple(_encoded_in(one) for one in body["encoded"]),
        body["against"],
        None if body["profile"] is None else _profile_in(body["profile"]),
    )


def _profile_out(profile: Profile) -> dict[str, Any]:
    return {
        "edges": [str(edge) for edge in profile.edges],
        "words": list(profile.words),
        "counts": list(profile.counts),
    }


def _profile_in(body: Mapping[str, Any]) -> Profile:
    edges = tuple(Fraction(edge) for edge in body["edges"])
    return Profile(edges, tuple(body["words"]), tuple(body["counts"]))


def _encoded_out(one: Encoded) -> dict[str, Any]:
    return {
        "level": one.level,
        "weight": one.weight,
        "prior": one.prior,
        "centre": str(one.centre),
        "spread": str(one.spread),
        "low": None if one.low is None else str(one.low),
        "high": None if one.high is None else str(one.high),
        "scale": one.scale.value,
    }


def _encoded_in(body: Mapping[str, Any]) -> Encoded:
    return Encoded(
        level=body["level"],
        weight=body["weight"],
        prior=body["prior"],
        centre=Fraction(body["centre"]),
        spread=Fraction(body["spread"]),
        low=None if body["low"] is None else Fraction(body["low"]),
        high=None if body["high"] is None else Fraction(body["high"]),
        scale=Scale(body["scale"]),
    )
