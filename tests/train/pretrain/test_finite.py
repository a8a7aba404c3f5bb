"""A training whose loss is not finite stops with one sentence, except for steps that AMP skips."""

from __future__ import annotations

import pytest

pytest.importorskip("gazesim.train")

import torch
from torch.utils.data import DataLoader

from gazesim.torch import PairMask
from gazesim.train import Contrastive
from gazesim.train.pretrain.finite import SKIPPED, FiniteLoss
from train.loops import FRAMEWORKS, Views, fit, make_study, plain_net, small


@pytest.fixture(scope="module")
def study():
    return make_study()


class Spoilt(Views):
    """The study with one image that is not finite."""

    def __init__(self, study, position, value):
        super().__init__(study)
        self.position, self.value = position, value

    def __getitem__(self, index):
        first, second, name = super().__getitem__(index)
        if index == self.position:
            first = first.clone()
            first[0, 3, 3] = self.value
        return first, second, name


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_image_that_is_not_finite_stops_the_training(framework, study, value):
    data = DataLoader(Spoilt(study, 21, value), 16)
    message = (
        r"step 1 \(epoch 0\) has the loss nan; not finite: first views of 1 of 16 images \(ids 'image21'\)"
    )
    with pytest.raises(ValueError, match=message):
        fit(small(framework, backbone=plain_net()), study, data, max_epochs=2)


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_weights_that_are_not_finite_stop_the_training(framework, study, paired, precision):
    pairs = PairMask(study.source, top_k=2) if paired else None
    model = small(framework, backbone=plain_net(), pairs=pairs)
    with torch.no_grad():
        next(model.backbone.parameters())[0, 0, 0, 0] = float("nan")
    with pytest.raises(
        ValueError, match=r"step 0 .*tensors of the network, such as backbone\..*features of 16"
    ):
        fit(model, study, max_epochs=2, precision=precision)


def test_keys_that_are_not_finite_stop_the_training(study):
    """Only the momentum encoder is not finite: features and embeddings are."""
    model = small("moco", backbone=plain_net())
    with torch.no_grad():
        next(model.framework.target.parameters())[0, 0, 0, 0] = float("inf")
    with pytest.raises(ValueError, match=r"not finite: 3 tensors of the network, such as target\."):
        fit(model, study, max_epochs=1)
    assert model.framework.queue.keys.isfinite().all()


class Scaled:
    """A module in training with a GradScaler, as far as it is looked at."""

    global_step, current_epoch = 7, 1

    def __init__(self, scaler):
        self.trainer = type("T", (), {"precision_plugin": type("P", (), {"scaler": scaler})})
        self.framework = torch.nn.Linear(1, 1)


def test_what_a_scaler_skips_may_be_skipped(study):
    """It halves its scale each time; if the loss stays what it is, the scale is not the cause."""
    rows = torch.zeros(2, 1)
    step = type("S", (), {"loss": torch.tensor(float("nan")), "features": rows, "embeddings": rows})
    good = type("S", (), {"loss": torch.tensor(1.0)})
    batch = (torch.zeros(2, 1, 1, 1), torch.zeros(2, 1, 1, 1), ["a", "b"])
    watch, module = FiniteLoss(), Scaled(object())
    for _ in range(3):
        for _ in range(SKIPPED):
            watch.check(module, step, batch)
        watch.check(module, good, batch)
    for _ in range(SKIPPED):
        watch.check(module, step, batch)
    with pytest.raises(
        ValueError, match=f"step 7 .* loss nan after {SKIPPED} steps that the GradScaler skip"
    ):
        watch.check(module, step, batch)
    with pytest.raises(ValueError, match="not finite: the loss alone"):
        FiniteLoss().check(Scaled(None), step, batch)


def test_without_a_trainer_the_loss_says_it_itself(study):
    model = Contrastive("simclr", plain_net())
    images = torch.full((4, 1, 32, 32), float("nan"))
    assert model.training_step((images, images, list("abcd")))["loss"].isnan()
