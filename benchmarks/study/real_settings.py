"""The recipes on real images, each frozen before its first fresh seed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from .settings import hash_of

#: The variable that says where the images are: processes that run cells inherit it.
FOLDER = "GAZESIM_STUDY_FOLDER"


@dataclass(frozen=True)
class RealSettings:
    """A recipe. Settings from ``backbone`` on came later: they count where they differ from their default.

    So cells of before keep their hash.
    """

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
    #: Shares of masks or labels that the probes learn from.
    fractions: tuple[float, ...] = (0.01, 0.1, 1.0)
    #: A network of the library; "": a stem and a residual block per width.
    backbone: str = ""
    #: The score that p values are of.
    primary: str = "dice_1"
    #: Of BYOL and MoCo.
    momentum: float = 0.97
    queue: int = 256
    cutout_probability: float = 0.0
    cutout_side: float = 0.375
    fill: float = 0.45
    support: float = 0.2
    min_iou_crop: float = 0.8
    min_iou_cutout: float = 0.9
    vertical_flip: float = 0.5
    #: Of the birds: the species that are used, the first ones by number.
    species: int = 25

    @property
    def stem_stride(self) -> int:
        """Return the stride of the first convolution, which leaves as many cells at 96 pixels as at 64."""
        return max(self.size // 32, 2)

    @property
    def record(self) -> dict[str, Any]:
        """Return what is kept beside the cells."""
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        later = list(defaults)[list(defaults).index("backbone") :]
        values = dataclasses.asdict(self)
        return {name: value for name, value in values.items() if name not in later or value != defaults[name]}

    @property
    def hash(self) -> str:
        """Return what tells these settings from others."""
        return hash_of(self.record)


#: Views as the phantom's, smaller images and network, fewer steps: a cell takes about a minute of a core.
SMALL = RealSettings(
    size=48,
    sigma_px=2.25,
    widths=(32, 64, 64),
    strides=(2, 2, 1),
    epochs=20,
    warmup_epochs=4.0,
    precision="32-true",
    cutout_probability=0.5,
    fractions=(0.1, 1.0),
    primary="dice_10",
)
GPU = RealSettings(
    size=224,
    sigma_px=10.5,
    backbone="resnet18",
    epochs=200,
    batch_size=128,
    learning_rate=1e-3,
    warmup_epochs=10.0,
    precision="16-mixed",
    hidden_dim=1024,
    dim=128,
    momentum=0.99,
    queue=512,
    cutout_probability=0.5,
)
SMOKE = RealSettings(epochs=1, warmup_epochs=0.0, species=3, cutout_probability=0.5)
SCALES = {
    "kvasir": {
        "smoke": SMOKE,
        "cpu": RealSettings(),
        # The same in 1.5 times the pixels. Single precision: bfloat16 takes ten times as long on processors
        # without AVX-512.
        "cpu96": RealSettings(size=96, sigma_px=4.5, precision="32-true"),
        "small": SMALL,
        "gpu": GPU,
    },
    "cub": {
        "smoke": dataclasses.replace(SMOKE, primary="probe_100"),
        "small": dataclasses.replace(SMALL, primary="probe_100", vertical_flip=0.0),
        "gpu": dataclasses.replace(GPU, primary="probe_100", vertical_flip=0.0, species=100),
    },
    "osie": {
        "smoke": dataclasses.replace(SMOKE, primary="auroc_100"),
        "small": dataclasses.replace(
            SMALL, primary="auroc_100", vertical_flip=0.0, epochs=30, warmup_epochs=6.0
        ),
        "gpu": dataclasses.replace(GPU, primary="auroc_100", vertical_flip=0.0),
    },
}
#: The scale that is run where none is named.
USUAL = {"kvasir": "cpu", "cub": "small", "osie": "small"}
