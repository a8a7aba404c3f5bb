"""Which form of a loss the defaults stand for, so that a resumed training goes on with the same."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from .gaze_settings import GazeTargetSettings
from .settings import MoCoSettings

__all__ = ["check_form", "form_of"]


def form_of(
    framework: str, moco: MoCoSettings | None, target: GazeTargetSettings | None, *, has_pairs: bool
) -> dict[str, Any]:
    """Return the options of the loss whose defaults depend on others or may change, with their values.

    Examples
    --------
    >>> from gazesim.train import GazeTargetSettings
    >>> from gazesim.train.pretrain.loss_form import form_of
    >>> form_of("simclr", None, GazeTargetSettings(), has_pairs=False)
    {'gaze_target.balance': 'gradient', 'gaze_target.weight': 1.0}
    """
    form: dict[str, Any] = {}
    if framework == "moco":
        settings = (moco or MoCoSettings()).resolved(has_pairs)
        form.update({f"moco.{name}": value for name, value in asdict(settings).items()})
    if target is not None:
        form["gaze_target.balance"] = target.balance_beside(framework)
        form["gaze_target.weight"] = target.weight_at(target.start + target.ramp, framework)
    return form


def check_form(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> None:
    """Raise ValueError where a checkpoint was trained with another form of the loss than the model has.

    Both are what checkpoints hold of a model, under ``gazesim``. A checkpoint of a version that did not note
    the form warns, where the loss has one.
    """
    new = now["form"]
    old = (before or {}).get("form")
    if old is None:
        if new:
            said = ", ".join(f"{name} {value!r}" for name, value in new.items())
            warnings.warn(
                f"the checkpoint does not say which form its loss has; the training goes on with {said}",
                stacklevel=2,
            )
        return
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            raise ValueError(
                f"the checkpoint was trained with {name} {old.get(name)!r}, and this model has "
                f"{new.get(name)!r}; expected the same loss: set {name.split('.')[0]} as in the checkpoint"
            )
