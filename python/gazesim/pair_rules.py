"""Rules that choose positive pairs: their names and checks, without torch."""

from __future__ import annotations

from typing import Any

from ._errors import choice, number

__all__ = ["GAZE_LOSSES", "POSITIVES", "REDUCTIONS", "WEIGHTINGS", "require_rule", "temperature_for"]

WEIGHTINGS = ("binary", "affinity", "softmax")
#: How losses average: over pairs, or over rows first.
REDUCTIONS = ("pairs", "rows")
#: Whether the sum over a row's positives is taken outside of the logarithm, or inside.
POSITIVES = ("outside", "inside")
#: How a predicted gaze map is compared with the recorded one.
GAZE_LOSSES = ("bce", "kl", "mse", "nss")
#: Default temperature of soft targets, by which affinities are divided.
TEMPERATURE = 0.1


def require_rule(threshold: Any, top_k: Any, quantile: Any, weighting: str) -> None:
    """Raise ValueError unless a rule chooses the positive pairs; weighting "softmax" needs no other rule."""
    if threshold is not None and quantile is not None:
        raise ValueError("threshold and quantile are both given; expected at most one of them")
    if threshold is None and top_k is None and quantile is None and weighting != "softmax":
        raise ValueError(
            "threshold, top_k and quantile are all missing; expected one of them, as no threshold suits "
            "every scheme and data set: `gazesim inspect CACHE` shows how many positives each gives"
        )


def temperature_for(weighting: str, temperature: float | None) -> float | None:
    """Return the temperature of weighting "softmax", and None for the others, which use none."""
    choice("weighting", weighting, WEIGHTINGS)
    if weighting != "softmax":
        if temperature is not None:
            raise ValueError(
                f'temperature is {temperature}, which weighting "{weighting}" does not use; expected None, '
                'or weighting "softmax"'
            )
        return None
    return number("temperature", TEMPERATURE if temperature is None else temperature, low=0.0, open_low=True)
