"""The form of a loss that defaults stand for: noted in checkpoints, and the same when a training resumes."""

from __future__ import annotations

import warnings

import pytest

pytest.importorskip("gazesim.train")

import torch

from gazesim.torch import PairMask
from gazesim.train import GazeTargetSettings, MoCoSettings, load_backbone
from gazesim.train.pretrain.loss_form import form_of
from train.loops import fit, make_study, plain_net, small
from train.pretrain.test_gaze_target_training import data_of


@pytest.fixture(scope="module")
def study():
    return make_study()


def moco(study, settings):
    pairs = PairMask(study.source, top_k=2)
    return small("moco", backbone=plain_net(), pairs=pairs, moco=settings)


def saved(model, path, study=None, data=None):
    fit(model, study, data, max_epochs=1).save_checkpoint(path)
    return path


def test_defaults_are_resolved():
    mcgip = form_of("moco", MoCoSettings.mcgip(), None, has_pairs=True)
    assert (mcgip["moco.own_keys"], mcgip["moco.positive_keys"]) == ("positive", "queue")
    fresh = form_of("moco", None, None, has_pairs=True)
    assert (fresh["moco.own_keys"], fresh["moco.positive_keys"]) == ("mask", "batch")
    target = GazeTargetSettings(weight=3.0, start=2, ramp=3)
    assert form_of("byol", None, target, has_pairs=False) == {
        "gaze_target.balance": "fixed",
        "gaze_target.weight": 3.0,
    }
    assert form_of("simclr", None, None, has_pairs=True) == {}


def test_a_resumed_training_keeps_the_form_of_its_loss(study, tmp_path):
    """Null stands for the same as the default written out, and for nothing else."""
    file = saved(moco(study, None), tmp_path / "a.ckpt", study)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(moco(study, MoCoSettings("mask", "batch")), study, resume=file, max_epochs=2)
    with pytest.raises(ValueError, match=r"moco\.own_keys 'mask', and this model has 'positive'; expected"):
        fit(moco(study, MoCoSettings.mcgip()), study, resume=file, max_epochs=2)
    options = {"gaze_target": GazeTargetSettings()}
    file = saved(small("simclr", **options), tmp_path / "b.ckpt", data=data_of())
    other = small("simclr", gaze_target=GazeTargetSettings(balance="fixed"))
    with pytest.raises(ValueError, match=r"with gaze_target\.balance 'gradient', and this model has 'fixed'"):
        fit(other, None, data_of(), file, max_epochs=2)


def test_a_checkpoint_that_does_not_say_its_form_is_told(study, tmp_path):
    file = saved(moco(study, None), tmp_path / "a.ckpt", study)
    held = torch.load(file, weights_only=True)
    del held["gazesim"]["form"]
    torch.save(held, file)
    with pytest.warns(
        UserWarning, match=r"does not say which form.*goes on with moco\.own_keys 'mask', moco"
    ):
        fit(moco(study, None), study, resume=file, max_epochs=2)
    assert load_backbone(file, plain_net()) is not None
