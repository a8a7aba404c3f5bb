"""The arms and the recipe on real images: Kvasir-SEG polyps with gaze recorded while annotating."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass

from .settings import hash_of


@dataclass(frozen=True)
class KvasirMethod:
    """What an arm learns from."""

    label: str
    #: None: random weights, no training.
    framework: str | None
    #: Of the gaze target; None: no target.
    weight: float | None = None
    #: What the target is: "gaze", "other" (gaze of another image), "mean" (the mean map) or "masks".
    target: str = "gaze"
    #: The share of the training images that have gaze.
    share: float = 1.0


KVASIR_METHODS = {
    "random": KvasirMethod("random weights", None),
    "gaze": KvasirMethod("gaze target alone", "gaze", 1.0),
    "simclr": KvasirMethod("SimCLR", "simclr"),
    "gaze-other": KvasirMethod("control: gaze of another image", "gaze", 1.0, "other"),
    "masks": KvasirMethod("upper bound: masks as the target", "gaze", 1.0, "masks"),
    "gaze-10": KvasirMethod("gaze target alone, gaze for 10 % of the images", "gaze", 1.0, share=0.1),
    "simclr-gaze-20": KvasirMethod("SimCLR + gaze target, weight 20", "simclr", 20.0),
    "gaze-mean": KvasirMethod("control: the mean map", "gaze", 1.0, "mean"),
    "simclr-gaze-2": KvasirMethod("SimCLR + gaze target, weight 2", "simclr", 2.0),
}


@dataclass(frozen=True)
class KvasirArm:
    """An arm by its name."""

    method: str

    @property
    def what(self) -> KvasirMethod:
        """Return what the arm learns from."""
        return KVASIR_METHODS[self.method]

    @property
    def name(self) -> str:
        """Return the name, which is that of the files of its cells too."""
        return f"K-{self.method}"


@dataclass(frozen=True)
class KvasirSettings:
    """The recipe, frozen before the first fresh seed."""

    size: int = 64
    #: Standard deviation of a fixation's Gaussian, in pixels of the squeezed image.
    sigma_px: float = 3.0
    widths: tuple[int, ...] = (24, 48, 96, 96)
    strides: tuple[int, ...] = (1, 2, 2, 1)
    epochs: int = 60
    batch_size: int = 50
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warmup_epochs: float = 18.0
    precision: str = "bf16-mixed"
    temperature: float = 0.2
    hidden_dim: int = 256
    dim: int = 64
    loss: str = "bce"
    crop_scale: tuple[float, float] = (0.2, 1.0)
    jitter: float = 0.4
    #: Shares of the masks that the segmentation probe learns from.
    fractions: tuple[float, ...] = (0.01, 0.1, 1.0)

    @property
    def stem_stride(self) -> int:
        """Return the stride of the first convolution, which leaves 8 x 8 cells at any size (64: 2, 96: 3)."""
        return self.size // 32

    @property
    def hash(self) -> str:
        """Return what tells these settings from others."""
        return hash_of(dataclasses.asdict(self))


KVASIR_SCALES = {
    "smoke": KvasirSettings(epochs=1, warmup_epochs=0.0),
    "cpu": KvasirSettings(),
    # The same in 1.5 times the pixels. Single precision: bfloat16 takes ten times as long on processors
    # without AVX-512.
    "cpu96": KvasirSettings(size=96, sigma_px=4.5, precision="32-true"),
}


def kvasir_chosen(patterns: Iterable[str]) -> list[list[KvasirArm]]:
    """Return the arms whose names match one of the patterns (as file names do; none: all), as one group."""
    arms, wanted = [KvasirArm(name) for name in KVASIR_METHODS], list(patterns)
    for pattern in wanted:
        if not fnmatch.filter([one.name for one in arms], pattern):
            raise ValueError(f"--arms is {pattern!r}; expected names such as K-gaze*; --list tells them all")
    return [[one for one in arms if not wanted or any(fnmatch.fnmatch(one.name, p) for p in wanted)]]
