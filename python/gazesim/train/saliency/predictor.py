"""A gaze-map predictor: image in, gaze map of the same size out (GCA, section 3.2).

MONAI's BasicUNet with four stages down and four up, trained with Adam for 30 epochs; the weights of the last
epoch are kept. The loss is the divergence of the network's softmax from the density of gaze, which depends
neither on how long somebody looked nor on the scale of a map.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from monai.networks.nets.basic_unet import BasicUNet
from numpy.typing import NDArray
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from ..._errors import integer, number
from ..._progress import ProgressBar
from ..lightning_tools import Shuffled, seeded, silent_trainer, without_advice
from ..measuring import as_input_of, measuring

__all__ = ["GazePredictor", "fit_predictor", "load_predictor", "predict_gaze", "save_predictor"]

FEATURES = (32, 32, 64, 128, 256, 32)
#: Four halvings, and instance norm needs more than one pixel at the bottom.
MULTIPLE, SMALLEST = 16, 32
STATE, SETTINGS, RESUME = "predictor.pt", "predictor.json", "last.ckpt"


class GazePredictor(lightning.LightningModule):
    """MONAI's BasicUNet from images (B, 1, H, W) to the logits of gaze (B, 1, H, W).

    Parameters
    ----------
    features
        Channels of the five stages and of the last layer.
    learning_rate
        Learning rate of Adam.
    size
        (height, width) of the training images; others are to be resized to it.

    Examples
    --------
    >>> import torch
    >>> from gazesim.train import GazePredictor
    >>> GazePredictor(features=(4, 4, 4, 4, 4, 4))(torch.rand(2, 1, 32, 48)).shape
    torch.Size([2, 1, 32, 48])
    """

    def __init__(
        self,
        features: Sequence[int] = FEATURES,
        learning_rate: float = 1e-3,
        size: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        if len(features) != 6:
            raise ValueError(f"features is {features}; expected 6 whole numbers")
        sizes = tuple(integer(f"features[{i}]", size, low=1, high=4096) for i, size in enumerate(features))
        rate = number("learning_rate", learning_rate, low=0.0, open_low=True)
        self.settings: dict[str, Any] = {
            "features": list(sizes),
            "learning_rate": rate,
            "size": None if size is None else list(size),
        }
        self.net = BasicUNet(spatial_dims=2, in_channels=1, out_channels=1, features=sizes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits; each image is standardised, and padded to sides that can be halved four times."""
        mean = images.mean(dim=(1, 2, 3), keepdim=True)
        deviation = images.std(dim=(1, 2, 3), keepdim=True, correction=0)
        height, width = images.shape[-2:]
        padding = [max(-(-side // MULTIPLE) * MULTIPLE, SMALLEST) - side for side in (width, height)]
        standard = (images - mean) / (deviation + 1e-6)
        padded = functional.pad(standard, (0, padding[0], 0, padding[1]), mode="replicate")
        logits: torch.Tensor = self.net(padded)[..., :height, :width]
        return logits

    def loss(self, images: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
        """Return the mean divergence from the true densities; maps without gaze do not count."""
        logarithm = self(images).flatten(1).log_softmax(dim=1)
        mass = maps.flatten(1)
        total = mass.sum(dim=1, keepdim=True)
        density = mass / total.clamp_min(torch.finfo(mass.dtype).tiny)
        each = functional.kl_div(logarithm, density, reduction="none").sum(dim=1)
        return (each * (total[:, 0] > 0)).sum() / (total[:, 0] > 0).sum().clamp_min(1)

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        """Return the loss of a batch of images and maps."""
        return self.loss(batch[0], batch[1])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam."""
        return torch.optim.Adam(self.parameters(), lr=self.settings["learning_rate"])


def fit_predictor(
    images: NDArray[Any],
    maps: NDArray[Any],
    *,
    epochs: int = 30,
    batch_size: int = 16,
    features: Sequence[int] = FEATURES,
    learning_rate: float = 1e-3,
    seed: int = 0,
    out: str | Path | None = None,
    progress: bool = True,
) -> GazePredictor:
    """Train a predictor on images and their gaze maps.

    Parameters
    ----------
    images, maps
        (n, H, W) each.
    epochs, batch_size, features, learning_rate, seed
        Settings of the training. ``seed`` decides the initial weights and the order of the images.
    out
        A folder for the model and a checkpoint after every epoch. After an interruption, a call with the
        same images, maps and settings resumes from it, also to more epochs. A folder of another training,
        or of more epochs, is refused.
    progress
        Whether to show a progress bar on stderr.

    Returns
    -------
    GazePredictor
        With the weights of the last epoch, in evaluation mode.

    Examples
    --------
    >>> from gazesim.phantom import phantom
    >>> from gazesim.train import fit_predictor, predict_gaze
    >>> data = phantom(4, size=32)
    >>> small = {"features": (4,) * 6, "epochs": 1, "progress": False}  # for a test; the defaults are GCA's
    >>> model = fit_predictor(data.images, data.heatmaps, **small)
    >>> predict_gaze(model, data.images).shape
    (4, 32, 32)
    """
    integer("epochs", epochs, low=1, high=10**6)
    integer("batch_size", batch_size, low=1, high=10**6)
    if images.ndim != 3 or images.shape != maps.shape or not len(images):
        raise ValueError(f"images has shape {images.shape}, maps {maps.shape}; expected (n, H, W) for both")
    data = TensorDataset(_checked("images", images), _checked("maps", maps, low=0.0))
    with seeded(seed):
        model = GazePredictor(features, learning_rate, images.shape[1:])
    folder = None if out is None else Path(out)
    settings = {**model.settings, "batch_size": batch_size, "seed": seed, "images": len(images)}
    checkpoint = None if folder is None else _resumable(folder, {**settings, "data": _hash(*data.tensors)})
    if checkpoint is not None:
        done = int(torch.load(checkpoint, map_location="cpu", weights_only=True)["epoch"]) + 1
        if done > epochs:
            raise ValueError(
                f"{folder} holds a training of {done} epochs, and epochs is {epochs}; expected at least "
                f"{done}, or a new folder"
            )
    checkpoints = _EpochCheckpoints(folder, epochs, progress)
    trainer = silent_trainer(max_epochs=epochs, callbacks=[checkpoints])
    with without_advice(), seeded(seed):
        loader = DataLoader(data, batch_size, sampler=Shuffled(len(images), seed))
        trainer.fit(model, loader, ckpt_path=checkpoint, weights_only=True)
    model.eval()
    if folder is not None:
        save_predictor(model, folder)
    return model


def predict_gaze(model: GazePredictor, images: NDArray[Any], *, batch_size: int = 32) -> NDArray[np.float32]:
    """Return the gaze maps (n, H, W) float32 of images (n, H, W), each with the maximum 1.

    The model runs in evaluation mode, and afterwards is in the mode in which it came.

    Examples
    --------
    >>> import numpy as np
    >>> from gazesim.train import GazePredictor, predict_gaze
    >>> maps = predict_gaze(GazePredictor((4,) * 6), np.random.default_rng(0).random((2, 32, 32)))
    >>> maps.shape, maps.max(axis=(1, 2)).tolist()
    ((2, 32, 32), [1.0, 1.0])
    """
    pixels = _checked("images", images)
    maps = np.empty(images.shape, np.float32)
    with measuring(model):
        for start in range(0, len(images), batch_size):
            logits = model(as_input_of(model, pixels[start : start + batch_size])).float()
            highest = logits.amax(dim=(1, 2, 3), keepdim=True)
            maps[start : start + batch_size] = (logits - highest).exp()[:, 0].cpu().numpy()
    return maps


def save_predictor(model: GazePredictor, folder: str | Path) -> None:
    """Write the weights, and the settings as JSON, to a folder, which is created if it does not exist.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from gazesim.train import GazePredictor, load_predictor, save_predictor
    >>> with TemporaryDirectory() as folder:
    ...     save_predictor(GazePredictor((4,) * 6, size=(32, 32)), folder)
    ...     load_predictor(folder).settings["size"]
    [32, 32]
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    partial = target / f"{STATE}.part"
    torch.save({name: value.cpu() for name, value in model.state_dict().items()}, partial)
    partial.replace(target / STATE)
    (target / SETTINGS).write_text(json.dumps(model.settings) + "\n")


def load_predictor(folder: str | Path) -> GazePredictor:
    """Read the predictor in a folder, on the CPU, in evaluation mode. No code in the files is run.

    Examples
    --------
    >>> from gazesim.train import load_predictor
    >>> load_predictor("nowhere")
    Traceback (most recent call last):
    FileNotFoundError: nowhere holds no predictor.pt; expected a folder that predict-gaze fit wrote
    """
    source = Path(folder)
    for name in (STATE, SETTINGS):
        if not (source / name).is_file():
            raise FileNotFoundError(
                f"{source} holds no {name}; expected a folder that predict-gaze fit wrote"
            )
    model = GazePredictor(**json.loads((source / SETTINGS).read_text()))
    model.load_state_dict(torch.load(source / STATE, map_location="cpu", weights_only=True))
    return model.eval()


class _EpochCheckpoints(lightning.Callback):
    """Saves a checkpoint after every epoch, whole or not at all, and shows the progress."""

    def __init__(self, folder: Path | None, epochs: int, progress: bool) -> None:
        self.folder = folder
        self.bar = ProgressBar(total=epochs, unit=" epochs") if progress else None

    def on_train_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        if self.bar is not None:
            self.bar.update(trainer.current_epoch)

    def on_train_batch_end(self, _: Any, __: Any, outputs: Any, *___: Any) -> None:
        self.last_loss = float(outputs["loss"])

    def on_train_epoch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        if self.bar is not None:
            self.bar.set_postfix(loss=f"{self.last_loss:.3f}")
            self.bar.update()
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = self.folder / f"{RESUME}.part"
            trainer.save_checkpoint(partial)
            partial.replace(self.folder / RESUME)

    def teardown(self, *_: Any, **__: Any) -> None:
        if self.bar is not None:
            self.bar.close()


def _hash(*tensors: torch.Tensor) -> str:
    digest = hashlib.sha256()
    for one in tensors:
        digest.update(one.numpy().data)
    return digest.hexdigest()[:16]


def _resumable(folder: Path, settings: dict[str, Any]) -> Path | None:
    """Return the checkpoint to resume from, if there is one; refuse one of another training."""
    record = folder / "training.json"
    if (folder / RESUME).is_file() and record.is_file():
        before = json.loads(record.read_text())
        if before != settings:
            raise ValueError(
                f"{folder} holds a training with {before}, not {settings}; "
                "expected equal settings or a new folder"
            )
        return folder / RESUME
    folder.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(settings) + "\n")
    return None


def _checked(argument: str, values: NDArray[Any], low: float = -np.inf) -> torch.Tensor:
    if values.ndim != 3:
        raise ValueError(f"{argument} has shape {values.shape}; expected (n, H, W)")
    pixels = np.ascontiguousarray(values, np.float32)
    wrong = ~np.isfinite(pixels) | (pixels < low)
    if wrong.any():
        sample, row, column = (int(at) for at in np.argwhere(wrong)[0])
        bound = "" if low == -np.inf else f" of at least {low:g}"
        raise ValueError(
            f"{argument}: sample {sample}, row {row}, column {column} is {values[sample, row, column]}; "
            f"expected a finite number{bound}"
        )
    return torch.from_numpy(pixels)[:, None]
