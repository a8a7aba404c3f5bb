"""A small training on the phantom, for the tests of this folder."""

from __future__ import annotations

from dataclasses import dataclass

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import nn
from torch.utils.data import DataLoader, Dataset

from gazesim import Moments
from gazesim.phantom import phantom
from gazesim.torch import DenseSource
from gazesim.train import Contrastive, HeadSettings, OptimizerSettings, ViewMaps
from gazesim.train.lightning_tools import without_advice

FRAMEWORKS = ("byol", "moco", "simsiam", "simclr")


@dataclass(frozen=True)
class Study:
    """Images (N, 1, 32, 32), ids, and affinities of their gaze."""

    images: torch.Tensor
    ids: list[str]
    source: DenseSource


def make_study(count=64):
    data = phantom(count, seed=3, size=32)
    ids = [f"image{i}" for i in range(count)]
    affinities = Moments().features(data.heatmaps).affinity()
    return Study(torch.from_numpy(data.images)[:, None], ids, DenseSource(affinities, ids))


class Views(Dataset):
    """An image, its mirror image, and its id."""

    def __init__(self, study):
        self.study = study

    def __len__(self):
        return len(self.study.ids)

    def __getitem__(self, index):
        image = self.study.images[index]
        return image, image.flip(-1), self.study.ids[index]


class WithMaps(Views):
    """Also the images as their own gaze maps; every third, or every ``without``-th, image has no gaze."""

    def __init__(self, study, without=3):
        super().__init__(study)
        self.without = without

    def __getitem__(self, index):
        first, second, name = super().__getitem__(index)
        return first, second, name, ViewMaps(first, second, torch.tensor(index % self.without > 0))


def loader(study, batch_size=16, **options):
    return DataLoader(Views(study), batch_size, **options)


def small(framework="byol", **options):
    torch.manual_seed(0)
    predictor = 64 if framework in ("byol", "simsiam") else None
    options.setdefault("heads", HeadSettings(64, dim=32, predictor_hidden=predictor, projector_norm=True))
    options.setdefault("optimizer", OptimizerSettings(learning_rate=2e-3))
    if framework == "moco":
        options.setdefault("queue_size", 48)
    options.setdefault("backbone", "resnet10-narrow")
    return Contrastive(framework, channels=1, **options)


def plain_net():
    """A small backbone without batch norms."""
    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=4), nn.ReLU(), nn.Conv2d(8, 16, 5, stride=4), nn.ReLU(), nn.Flatten()
    )
    net.dim = 16
    return net


def without_norms(model):
    """Take the batch norms out of the heads, too."""
    for part in list(model.modules()):
        for name, child in part.named_children():
            if isinstance(child, nn.BatchNorm1d):
                setattr(part, name, nn.Identity())
    return model


def trainer(**options):
    options.setdefault("logger", False)
    options.setdefault("enable_checkpointing", False)
    with without_advice():
        return lightning.Trainer(
            accelerator="cpu", devices=1, enable_progress_bar=False, enable_model_summary=False, **options
        )


def fit(model, study, data=None, resume=None, **options):
    """Train, and return the trainer."""
    made = trainer(**options)
    with without_advice():
        made.fit(model, data or loader(study), ckpt_path=resume, weights_only=True)
    return made


def check_resumed_equals_whole(folder, step, make_model, make_data):
    """A training of two epochs, and one that goes on from ``step``, end with the same weights and numbers."""

    def run(resume=None, **options):
        torch.manual_seed(0)
        model = make_model()
        torch.manual_seed(5 if resume is None else 6)  # chance must come from the checkpoint
        done = fit(model, None, make_data(), resume, max_epochs=2, **options)
        return model.state_dict(), {name: float(value) for name, value in done.callback_metrics.items()}

    keeper = ModelCheckpoint(folder, filename="{step}", every_n_train_steps=1, save_top_k=-1)
    whole, numbers = run(callbacks=[keeper], enable_checkpointing=True)
    resumed, again = run(folder / f"step={step}.ckpt")
    assert all(value.equal(whole[name]) for name, value in resumed.items())
    assert numbers
    assert again == numbers
