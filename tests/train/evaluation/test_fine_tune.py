"""Fine-tuning: it learns, repeats itself, and leaves everything else as it was."""

from __future__ import annotations

import lightning
import numpy as np
import pytest

pytest.importorskip("gazesim.train")

import torch
from torch import nn

from gazesim.train import ArraySamples, Baseline, Contrastive, FineTuneSettings, load_backbone
from gazesim.train.evaluation.fine_tune import OPTIMISERS, Classifier, augmented, fit_classifier

QUICK = FineTuneSettings(epochs=3, min_steps=0, batch_size=4, learning_rate=0.01)


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


@pytest.fixture
def samples(rng):
    """Noise; every other image is brighter."""
    images = 0.4 * rng.random((24, 8, 8)) + 0.5 * (np.arange(24) % 2)[:, None, None]
    return ArraySamples(images)


def fitted(samples, settings=QUICK, count=13, seed=0, **options):
    chosen = np.arange(count)
    return fit_classifier(network(), samples, chosen, chosen % 2, 2, settings, seed=seed, **options)


def test_it_learns(samples):
    model = fitted(samples, FineTuneSettings(epochs=1, min_steps=60, batch_size=8, learning_rate=0.02))
    predicted = model.probabilities(samples, range(13, 24)).argmax(axis=1)
    np.testing.assert_array_equal(predicted, np.arange(13, 24) % 2)


def test_the_backbone_and_the_generator_stay_as_they_were(samples):
    backbone = network().requires_grad_(False)
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    torch.manual_seed(9)
    state = torch.get_rng_state()
    model = fit_classifier(backbone, samples, range(8), [0, 1] * 4, 2, QUICK)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in backbone.state_dict().items())
    # A frozen backbone is trained all the same.
    assert not torch.equal(model.backbone[0].weight, backbone[0].weight)
    assert all(parameter.requires_grad for parameter in model.backbone.parameters())


@pytest.mark.parametrize(
    ("given", "trained"),
    [
        (torch.float64, torch.float64),
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
    ],
)
def test_backbones_of_every_precision(samples, given, trained):
    """Steps are too small for weights of 16 bits, which are trained in float32."""
    backbone = network().to(given)
    model = fit_classifier(backbone, samples, range(12), [0, 1] * 6, 2, QUICK)
    assert {one.dtype for one in model.parameters()} == {trained}
    assert {one.dtype for one in backbone.parameters()} == {given}
    found = model.probabilities(samples, range(12, 24))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    plain = fit_classifier(network().to(given).to(trained), samples, range(12), [0, 1] * 6, 2, QUICK)
    np.testing.assert_allclose(found, plain.probabilities(samples, range(12, 24)), rtol=1e-6)


@pytest.mark.parametrize("is_training", [False, True])
def test_batch_norms_are_trained_in_whatever_mode_the_backbone_comes(samples, is_training):
    backbone = network().train(is_training)
    statistics = backbone[1].running_mean.clone()
    model = fit_classifier(backbone, samples, range(8), [0, 1] * 4, 2, QUICK)
    norm = model.backbone[1]
    assert int(norm.num_batches_tracked) == 6  # three epochs of two steps
    assert not torch.equal(norm.running_mean, statistics)
    assert not any(part.training for part in model.modules())  # ready for predictions
    # The one that was given has its mode and its statistics.
    assert all(part.training == is_training for part in backbone.modules())
    assert torch.equal(backbone[1].running_mean, statistics)
    assert int(backbone[1].num_batches_tracked) == 0
    other = fit_classifier(network().train(not is_training), samples, range(8), [0, 1] * 4, 2, QUICK)
    np.testing.assert_array_equal(
        model.probabilities(samples, range(24)), other.probabilities(samples, range(24))
    )


@pytest.mark.parametrize("kind", ["baseline", "checkpoint"])
def test_networks_of_this_library_are_fine_tuned_with_batch_statistics(kind, samples, tmp_path):
    if kind == "baseline":
        backbone = Baseline("scratch", "resnet10-narrow", channels=1)(0)
    else:
        model = Contrastive("simclr", "resnet10-narrow", channels=1)
        trainer = lightning.Trainer(
            accelerator="cpu", logger=False, enable_checkpointing=False, enable_model_summary=False
        )
        trainer.strategy.connect(model)
        trainer.save_checkpoint(tmp_path / "last.ckpt", weights_only=True)
        backbone = load_backbone(tmp_path / "last.ckpt")
    assert not backbone.training
    tuned = fit_classifier(backbone, samples, range(8), [0, 1] * 4, 2, QUICK).backbone
    for before, after in zip(backbone.modules(), tuned.modules(), strict=True):
        if isinstance(after, nn.BatchNorm2d):
            assert int(after.num_batches_tracked) == int(before.num_batches_tracked) + 6


def test_a_norm_that_the_module_keeps_frozen_stays_frozen(samples):
    class Frozen(nn.Sequential):
        def train(self, mode=True):
            super().train(mode)
            self[1].eval()
            return self

    model = fit_classifier(Frozen(*network()), samples, range(8), [0, 1] * 4, 2, QUICK)
    assert int(model.backbone[1].num_batches_tracked) == 0


def test_equal_seeds_give_equal_classifiers(samples):
    settings = FineTuneSettings(epochs=2, min_steps=0, batch_size=4, crop_scale=0.5)
    first, same, other = (
        fitted(samples, settings, seed=seed).probabilities(samples, range(24)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_workers_change_nothing(samples):
    settings = FineTuneSettings(epochs=2, min_steps=0, batch_size=4, num_workers=1)
    plain = FineTuneSettings(epochs=2, min_steps=0, batch_size=4)
    np.testing.assert_array_equal(
        fitted(samples, settings).probabilities(samples, range(24)),
        fitted(samples, plain).probabilities(samples, range(24)),
    )


@pytest.mark.parametrize(
    ("count", "most", "sizes"),
    [(4, 4, {4}), (5, 4, {2, 3}), (9, 4, {3}), (13, 4, {3, 4}), (3, 2, {3}), (5, 2, {2, 3})],
)
def test_no_batch_holds_a_single_image(samples, count, most, sizes, monkeypatch):
    seen = []
    step = Classifier.training_step

    def noted(self, batch, index):
        seen.append(len(batch[0]))
        return step(self, batch, index)

    monkeypatch.setattr(Classifier, "training_step", noted)
    fitted(samples, FineTuneSettings(epochs=1, min_steps=0, batch_size=most), count)
    assert set(seen) == sizes
    assert sum(seen) == count


def test_few_labels_are_seen_more_often(samples, monkeypatch):
    steps = []
    step = Classifier.training_step
    monkeypatch.setattr(Classifier, "training_step", lambda self, *args: steps.append(1) or step(self, *args))
    fitted(samples, FineTuneSettings(epochs=2, min_steps=7, batch_size=4), count=8)
    assert len(steps) == 8  # whole epochs of two steps


def test_the_rate_falls_to_zero():
    model = Classifier(network(), 4, 2, FineTuneSettings(head_learning_rate=0.5, learning_rate=0.1), steps=4)
    made = model.configure_optimizers()
    rates = []
    for _ in range(5):
        rates.append(made["optimizer"].param_groups[0]["lr"])
        made["optimizer"].step()
        made["lr_scheduler"]["scheduler"].step()
    np.testing.assert_allclose(rates, 0.1 * np.array([1, 0.854, 0.5, 0.146, 0]), atol=1e-4)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_optimiser_trains(samples, optimiser):
    settings = FineTuneSettings(
        epochs=2, min_steps=0, batch_size=8, optimiser=optimiser, precision="bf16-mixed"
    )
    assert np.isfinite(fitted(samples, settings).probabilities(samples, range(24))).all()


def test_balanced_classes_weigh_the_same(samples):
    settings = FineTuneSettings(epochs=1, min_steps=0, class_weights="balanced")
    model = fit_classifier(network(), samples, range(8), [0] * 6 + [2] * 2, 3, settings)
    torch.testing.assert_close(model.class_weights, torch.tensor([8 / 12, 0, 2.0]))


def test_flips_mirror_whole_images():
    images = torch.arange(12.0).reshape(1, 1, 3, 4)
    kept = augmented(images, FineTuneSettings(horizontal_flip=0, vertical_flip=0))
    torch.testing.assert_close(kept, images)
    torch.testing.assert_close(
        augmented(images, FineTuneSettings(horizontal_flip=1, vertical_flip=0)), images.flip(3)
    )
    both = augmented(images, FineTuneSettings(horizontal_flip=1, vertical_flip=1))
    torch.testing.assert_close(both, images.flip(2, 3))


def test_crops_stay_inside_and_vary():
    torch.manual_seed(0)
    ramp = torch.arange(32.0).expand(64, 1, 32, 32)
    settings = FineTuneSettings(horizontal_flip=0, vertical_flip=0, crop_scale=0.25)
    crops = augmented(ramp, settings)
    assert crops.shape == ramp.shape
    assert crops.min() >= 0
    assert crops.max() <= 31
    width = crops[:, 0, 0, -1] - crops[:, 0, 0, 0]  # of what each crop shows
    assert 15 <= width.min() + 1 < 20
    assert width.max() > 28
    assert crops[:, 0, 0, 0].std() > 2
    # Almost no crop is almost the whole.
    torch.testing.assert_close(
        augmented(ramp, FineTuneSettings(horizontal_flip=0, vertical_flip=0, crop_scale=1 - 1e-9)),
        ramp.contiguous(),
        atol=1e-3,
        rtol=0,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 1}, "batch_size is 1; expected a whole number from 2"),
        ({"optimiser": "adamax"}, 'optimiser is .adamax.*did you mean "adam'),
        ({"crop_scale": 0}, "crop_scale is 0"),
        ({"class_weights": "even"}, "class_weights is"),
        ({"horizontal_flip": 2}, "horizontal_flip is 2"),
    ],
)
def test_settings_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        FineTuneSettings(**options)


def test_mistakes_are_named(samples):
    with pytest.raises(ValueError, match="targets holds 4 values of 1 classes for 4 images"):
        fit_classifier(network(), samples, range(4), [1] * 4, 2, QUICK)
    with pytest.raises(ValueError, match=r"backbone returned Tensor .*expected features \(N, D\)"):
        fit_classifier(nn.Conv2d(1, 2, 3), samples, range(4), [0, 1] * 2, 2, QUICK)
