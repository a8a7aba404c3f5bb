"""Everything that decides a number of the study, and its hash."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

#: Settings were chosen on seeds 0 to 2 with their test accuracy in sight; these were not looked at.
SEEDS = (11, 12, 13, 14, 15)


@dataclass(frozen=True)
class Settings:
    """The recipe, frozen. Views not named here are as :class:`gazesim.train.Views` has them."""

    n_train: int = 1024
    n_test: int = 1000
    size: int = 64
    backbone: str = "resnet10-pooled"
    epochs: int = 25
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warmup_epochs: int = 2
    precision: str = "bf16-mixed"
    #: Widths of projector and predictor.
    hidden_dim: int = 256
    dim: int = 128
    momentum: float = 0.97
    queue: int = 512
    #: Of SimCLR and MoCo.
    temperature: float = 0.2
    #: Views.
    crop_scale: tuple[float, float] = (0.2, 1.0)
    cutout_side: float = 0.375
    #: The mean of the images: black holes would be the most conspicuous things in them.
    fill: float = 0.45
    support: float = 0.2
    min_iou_crop: float = 0.8
    min_iou_cutout: float = 0.9
    #: Fine-tuning.
    finetune_epochs: int = 20
    finetune_steps: int = 100
    finetune_learning_rate: float = 1e-3

    @property
    def record(self) -> dict[str, Any]:
        """Return what is kept beside the cells."""
        return dataclasses.asdict(self)

    @property
    def hash(self) -> str:
        """Return what tells these settings from others."""
        return hash_of(self.record)


def hash_of(settings: dict[str, Any]) -> str:
    """Return twelve hexadecimal digits that tell settings from others."""
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


SCALES = {
    "smoke": Settings(
        n_train=32,
        n_test=24,
        size=32,
        epochs=1,
        batch_size=16,
        queue=16,
        warmup_epochs=0,
        finetune_epochs=1,
        finetune_steps=0,
    ),
    "cpu": Settings(),
    "gpu": Settings(
        n_train=8000,
        n_test=2000,
        size=128,
        backbone="resnet18",
        epochs=200,
        batch_size=256,
        learning_rate=1e-3,
        hidden_dim=1024,
        momentum=0.99,
        queue=4096,
    ),
}


def settings_for(scale: str, changes: Iterable[str] = ()) -> Settings:
    """Return the settings of a scale with changes such as ``backbone=resnet50``."""
    return changed(SCALES[scale], changes)


def changed(settings: Any, changes: Iterable[str]) -> Any:
    """Return settings with changes such as ``epochs=10``."""
    kinds = {field.name: type(getattr(settings, field.name)) for field in dataclasses.fields(settings)}
    wanted: dict[str, Any] = {}
    for change in changes:
        name, _, text = change.partition("=")
        if name not in kinds or not text:
            raise ValueError(f"--set is {change!r}; expected NAME=VALUE with a name among {', '.join(kinds)}")
        value = text if kinds[name] is str else json.loads(f"[{text}]" if kinds[name] is tuple else text)
        wanted[name] = kinds[name](value)
    return dataclasses.replace(settings, **wanted)


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    """Return which settings differ, in words."""
    names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    return ", ".join(f"{name} {theirs.get(name)} there, {ours.get(name)} now" for name in names)
