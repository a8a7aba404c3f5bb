"""CollapseMonitor: no warning in sound trainings, one warning in others."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

import torch

from gazesim._progress import ProgressBar
from gazesim.torch import DenseSource, PairMask, id_codes
from gazesim.train import Contrastive, MoCoSettings, OptimizerSettings
from gazesim.train.lightning_tools import TrainingProgress
from gazesim.train.pretrain.monitor import CollapseMonitor, spread
from gazesim.train.pretrain.pairing import Positives
from train.loops import fit, make_study, plain_net, small


@pytest.fixture(scope="module")
def study():
    """64 images of the phantom."""
    return make_study()


def test_spread_of_known_embeddings():
    torch.manual_seed(0)
    even = torch.randn(4000, 32)
    assert float(spread(even)) == pytest.approx(1.0, abs=0.01)
    assert float(spread(torch.ones(8, 4) * torch.arange(1.0, 9)[:, None])) == pytest.approx(0.0, abs=1e-6)
    assert float(spread(even * 100)) == pytest.approx(float(spread(even)))
    unit = even.numpy() / np.linalg.norm(even.numpy(), axis=1, keepdims=True)
    assert float(spread(even)) == pytest.approx(unit.std(axis=0).mean() * 32**0.5, rel=1e-5)


def collapsed(framework="byol", **options):
    model = small(framework, backbone=plain_net(), **options)
    with torch.no_grad():
        for part in model.framework.projector.modules():
            if isinstance(part, torch.nn.Linear):
                part.weight.zero_()
    model.framework.projector = model.framework.projector[0]
    model.framework.target[1] = model.framework.target[1][0]
    for weight in model.framework.projector.parameters():
        weight.requires_grad_(False)
    return model


def test_collapse_is_told_once_with_remedies(study):
    with pytest.warns(UserWarning, match="collapsing") as caught:
        done = fit(collapsed(), study, max_epochs=6)
    assert sum("in epoch" in str(one.message) for one in caught) == 1  # PairMask warns of a batch
    text = str(caught[0].message)
    assert "embedding_std is 0.00 in epoch 2, below 0.6 for 3 epochs of byol" in text
    assert "projector_norm" in text
    assert float(done.callback_metrics["embedding_std"]) < 0.01


def test_two_low_epochs_are_not_yet_collapse(study):
    fit(collapsed(), study, max_epochs=2)


def test_the_level_can_be_set(study):
    monitor = CollapseMonitor(level=0.0)
    fit(collapsed(), study, max_epochs=4, callbacks=[monitor])


def test_gaze_alone_has_no_level_of_its_own():
    """Its loss spreads no features; a level that is given counts."""
    model = Contrastive("gaze", "resnet10-narrow", channels=1)
    CollapseMonitor(patience=1)._judge_spread(model, 0.0, 0)
    with pytest.warns(UserWarning, match="epochs of gaze; try a lower learning rate$"):
        CollapseMonitor(level=0.1, patience=1)._judge_spread(model, 0.0, 0)


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_nan_is_low(value):
    monitor = CollapseMonitor(patience=1)
    model = small("simclr")
    with pytest.warns(UserWarning, match="collapsing"):
        monitor._judge_spread(model, value, 0)


@pytest.mark.filterwarnings("ignore:.* pairs of different images", "ignore:the queue has")
def test_gaze_without_effect_is_told(study):
    lonely = PairMask(DenseSource(np.eye(len(study.ids)), study.ids), top_k=2)
    with pytest.warns(UserWarning, match=r"no positive pair in epoch 0.*pairs.top_k: 2") as caught:
        done = fit(small("simsiam", pairs=lonely), study, max_epochs=2)
    assert sum("in epoch" in str(one.message) for one in caught) == 1  # PairMask warns of a batch
    assert float(done.callback_metrics["positives_per_row"]) == 1.0


@pytest.mark.filterwarnings("ignore:.* pairs of different images", "ignore:the queue has")
def test_older_keys_of_an_image_are_no_gaze_pairs(study):
    """With a queue of two epochs; the numbers of all frameworks mean the same."""
    lonely = PairMask(DenseSource(np.eye(len(study.ids)), study.ids), top_k=2)
    model = small("moco", backbone=plain_net(), pairs=lonely, queue_size=128)
    with pytest.warns(UserWarning, match=r"no positive pair in epoch 0") as caught:
        done = fit(model, study, max_epochs=3)
    assert any("queue has 128 places for 64 different images" in str(one.message) for one in caught)
    assert float(done.callback_metrics["positives_per_row"]) == 1.0


def test_positives_of_a_row_are_its_other_view_and_other_images():
    pairs = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    positives = Positives(PairMask((pairs, ["a", "b", "c"]), threshold=0.7))
    queued = id_codes(["a", "b", "a", "x"])
    # "a" has itself twice and "b" once, "b" has "a" twice and itself once, "x" has itself alone.
    assert float(positives.against(["a", "b", "x"], queued).per_row) == pytest.approx(1 + (1 + 2 + 0) / 3)
    assert float(positives.within(["a", "b", "c", "a"], "cpu").per_row) == pytest.approx(
        1 + (1 + 2 + 0 + 1) / 4
    )


@pytest.mark.filterwarnings("error")
def test_a_few_positives_are_not_too_many_in_a_small_batch(study):
    """3 of 8 are more than a fifth, but no more than is asked for."""
    monitor = CollapseMonitor()
    monitor._judge_positives(3.0, 3 / 8, 0)
    with pytest.warns(
        UserWarning, match=r"38% of all pairs are positive in epoch 1, 24\.0 per row, and so many"
    ):
        monitor._judge_positives(24.0, 0.375, 1)


@pytest.mark.parametrize("accumulated", [1, 2, 4])
def test_the_bar_shows_the_loss_of_a_batch(study, accumulated, monkeypatch):
    shown = []
    monkeypatch.setattr(ProgressBar, "set_postfix", lambda self, **said: shown.append(float(said["loss"])))
    still = OptimizerSettings(learning_rate=0.0, weight_decay=0.0)
    model = small("simclr", backbone=plain_net(), optimizer=still)
    fit(model, study, max_epochs=3, accumulate_grad_batches=accumulated, callbacks=[TrainingProgress()])
    assert len(shown) == {1: 3, 2: 2, 4: 2}[accumulated]
    assert all(2.5 < loss < 4 for loss in shown)


@pytest.mark.filterwarnings("ignore:.* pairs of different images", "ignore:the queue has")
@pytest.mark.parametrize(
    ("framework", "options"),
    [
        ("simclr", {}),
        ("moco", {"queue_size": 512}),  # long: a batch is a small share of it
        ("moco", {"queue_size": 64, "moco": MoCoSettings.mcgip()}),
    ],
)
def test_too_many_positives_are_told(framework, options, study):
    everybody = PairMask(DenseSource(np.ones((len(study.ids), len(study.ids))), study.ids), top_k=63)
    with pytest.warns(UserWarning, match="of all pairs are positive.*expected 2 to 8 per row") as caught:
        fit(small(framework, pairs=everybody, **options), study, max_epochs=2)
    assert sum("in epoch" in str(one.message) for one in caught) == 1  # PairMask warns of a batch


def test_a_resumed_monitor_remembers():
    first = CollapseMonitor(patience=2)
    model = small("byol")
    first._judge_spread(model, 0.1, 0)
    second = CollapseMonitor(patience=2)
    second.load_state_dict(first.state_dict())
    with pytest.warns(UserWarning, match="for 2 epochs"):
        second._judge_spread(model, 0.1, 1)
    third = CollapseMonitor(patience=2)
    third.load_state_dict(second.state_dict())
    third._judge_spread(model, 0.1, 2)
