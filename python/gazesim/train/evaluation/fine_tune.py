"""Fine-tuning: the network and a linear layer on top, trained together on few or many labels."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from ..._errors import describe
from ..._progress import ProgressBar
from ...views import Sampler
from ..data.loader import check_workers
from ..data.samples import Samples
from ..data.view_maker import resized_box
from ..lightning_tools import Shuffled, epoch_order, seeded, silent_trainer, without_advice
from ..measuring import as_input_of, device_of, measuring, unchanged
from .settings import FineTuneSettings

__all__ = ["Classifier", "augmented", "fit_classifier"]


class Classifier(lightning.LightningModule):
    """A backbone and a linear layer; the last layer starts at 0, so that training begins unbiased.

    Parameters
    ----------
    backbone
        Images (N, C, H, W) to features (N, D); trained in place.
    dim, classes
        D, and how many classes there are.
    settings, steps
        How it is trained, and for how many steps the learning rate falls.
    weights
        (classes,) the weight of each class in the loss; default equal.
    """

    def __init__(
        self,
        backbone: nn.Module,
        dim: int,
        classes: int,
        settings: FineTuneSettings,
        steps: int,
        weights: torch.Tensor | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        weight = next((one for one in backbone.parameters() if one.is_floating_point()), None)
        self.head = nn.Linear(dim, classes, dtype=None if weight is None else weight.dtype)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.settings, self.steps = settings, steps
        self.register_buffer("class_weights", torch.ones(classes) if weights is None else weights)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes)."""
        logits: torch.Tensor = self.head(self.backbone(images))
        return logits

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], _: int) -> torch.Tensor:
        """Return the cross-entropy of a batch."""
        images, targets = batch
        logits = self(as_input_of(self, augmented(images, self.settings))).float()
        return functional.cross_entropy(logits, targets, weight=self.class_weights)  # type: ignore[arg-type]

    def configure_optimizers(self) -> Any:
        """Return the optimiser, and a cosine that ends at 0 with the last step."""
        rate = self.settings.learning_rate
        groups = [
            {"params": self.backbone.parameters(), "lr": rate},
            {"params": self.head.parameters(), "lr": self.settings.head_learning_rate or rate},
        ]
        optimiser = OPTIMISERS[self.settings.optimiser](groups, weight_decay=self.settings.weight_decay)
        cosine = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: 0.5 * (1 + math.cos(math.pi * min(step / self.steps, 1)))
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}

    def probabilities(
        self, samples: Samples, chosen: Sequence[int] | NDArray[Any], batch_size: int = 128
    ) -> NDArray[np.float64]:
        """Return the probability of every class, (n, classes), of the samples at some positions."""
        parts = []
        with measuring(self):
            for start in range(0, len(chosen), batch_size):
                images = torch.stack([samples.image(int(i)) for i in chosen[start : start + batch_size]])
                parts.append(self(as_input_of(self, images)).double().softmax(dim=1).cpu())
        found: NDArray[np.float64] = torch.cat(parts).numpy()
        return found


def _sgd(groups: Any, weight_decay: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, momentum=0.9, nesterov=True, weight_decay=weight_decay)


OPTIMISERS: dict[str, Any] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": _sgd}


def fit_classifier(
    backbone: nn.Module,
    samples: Samples,
    chosen: Sequence[int] | NDArray[Any],
    targets: Sequence[int] | NDArray[Any],
    classes: int,
    settings: FineTuneSettings,
    *,
    seed: int = 0,
    progress: bool = False,
) -> Classifier:
    """Fine-tune a copy of a backbone on the samples at the positions ``chosen``.

    Parameters
    ----------
    backbone
        Images (N, C, H, W) to features (N, D), in any mode. It stays as it is. The copy is trained in
        training mode: its batch norms use and update batch statistics, unless the module's own ``train()``
        keeps some of them in evaluation mode. Weights of 16 bits are trained in float32.
    samples, chosen, targets
        The images, which of them are labelled, and their classes from 0 to ``classes`` − 1.
    settings, seed
        Equal ones give the same classifier on a CPU; torch's own generator is left alone.
    progress
        Whether to show a progress bar over epochs.
    """
    true = np.asarray(targets, np.int64)
    if len(true) != len(chosen) or len(np.unique(true)) < 2:
        raise ValueError(
            f"targets holds {len(true)} values of {len(np.unique(true))} classes for {len(chosen)} images; "
            "expected one for each, of two classes or more"
        )
    batches = max(1, math.ceil(len(chosen) / settings.batch_size))
    if batches > 1 and len(chosen) // batches < 2:
        batches -= 1
    epochs = max(settings.epochs, math.ceil(settings.min_steps / batches))
    with seeded(seed):
        model = Classifier(
            # Networks of pre-training and baselines are in evaluation mode: batch norms would stay frozen.
            _at_least_single(copy.deepcopy(backbone)).requires_grad_(True).train(),
            _dim(backbone, samples),
            classes,
            settings,
            steps=epochs * batches,
            weights=_balance(true, classes) if settings.class_weights == "balanced" else None,
        )
    loader = DataLoader(
        _Labelled(samples, [int(i) for i in chosen], true),
        batch_size=None,  # the sampler gives whole batches
        sampler=_EvenBatches(len(true), batches, seed),
        num_workers=settings.num_workers,
        persistent_workers=settings.num_workers > 0,
        # It seeds the workers; torch's global generator is left to the model.
        generator=torch.Generator().manual_seed(seed),
    )
    check_workers(settings.num_workers)
    bar = _EpochBar(epochs) if progress else None
    trainer = silent_trainer(
        max_epochs=epochs,
        precision=settings.precision,
        callbacks=[bar] if bar else [],
        # It runs where the backbone is.
        accelerator="gpu" if device_of(backbone).type == "cuda" else "cpu",
    )
    # Hooks of the backbone were copied with it.
    with without_advice(), unchanged(backbone), seeded(seed):
        trainer.fit(model, loader)
    return model.to(device_of(backbone)).eval()


def _at_least_single(backbone: nn.Module) -> nn.Module:
    """Return the backbone in float32 if it has weights of 16 bits, which small steps do not change."""
    halves = (torch.float16, torch.bfloat16)
    return backbone.float() if any(one.dtype in halves for one in backbone.parameters()) else backbone


def augmented(images: torch.Tensor, settings: FineTuneSettings) -> torch.Tensor:
    """Return the images of a batch, each flipped and cropped independently, as the settings say.

    Crops keep the proportions of the image; they are drawn and resized as those of pre-training's views.
    Random numbers come from torch's generator on the CPU, whatever device the images are on.
    """
    count = len(images)
    across = torch.where(torch.rand(count) < settings.horizontal_flip, -1.0, 1.0)
    down = torch.where(torch.rand(count) < settings.vertical_flip, -1.0, 1.0)
    for axis, sign in ((3, across), (2, down)):
        mirrored = (sign < 0).to(images.device)[:, None, None, None]
        images = torch.where(mirrored, images.flip(axis), images)
    if settings.crop_scale == 1:
        return images
    height, width = images.shape[-2:]
    sampler = Sampler("crop", min_iou=0.0, scale=(settings.crop_scale, 1.0), ratio=(width / height,) * 2)
    boxes = [sampler.draw_anywhere((width, height), _uniforms) for _ in range(count)]
    return torch.stack(
        [resized_box(image, box, (height, width)) for image, box in zip(images, boxes, strict=True)]
    )


def _uniforms(count: int) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = torch.rand(count, dtype=torch.float64).numpy()
    return numbers


def _balance(targets: NDArray[Any], classes: int) -> torch.Tensor:
    counts = np.bincount(targets, minlength=classes)
    present = np.count_nonzero(counts)
    return torch.tensor(
        np.where(counts, len(targets) / (present * np.maximum(counts, 1)), 0), dtype=torch.float32
    )


def _dim(backbone: nn.Module, samples: Samples) -> int:
    with measuring(backbone):
        features = backbone(as_input_of(backbone, samples.image(0)[None]))
    if not isinstance(features, torch.Tensor) or features.ndim != 2:
        raise ValueError(f"backbone returned {describe(features)} for 1 image; expected features (N, D)")
    return int(features.shape[1])


class _Labelled(Dataset[Any]):
    def __init__(self, samples: Samples, chosen: list[int], targets: NDArray[Any]) -> None:
        self.samples, self.chosen, self.targets = samples, chosen, targets

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, positions: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        images = torch.stack([self.samples.image(self.chosen[position]) for position in positions])
        return images, torch.from_numpy(self.targets[positions])


class _EvenBatches(Shuffled):
    """Batches of nearly equal size, each sample once an epoch: no batch of one image, none dropped."""

    def __init__(self, count: int, batches: int, seed: int) -> None:
        super().__init__(count, seed)
        self.batches = batches

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[list[int]]:
        order = epoch_order(self.count, self.seed, self.epoch)
        return iter([part.tolist() for part in np.array_split(order, self.batches)])


class _EpochBar(lightning.Callback):
    def __init__(self, epochs: int) -> None:
        self.bar = ProgressBar(total=epochs, unit=" epochs", leave=False)

    def on_train_epoch_end(self, *_: Any) -> None:
        self.bar.update()

    def teardown(self, *_: Any, **__: Any) -> None:
        self.bar.close()
