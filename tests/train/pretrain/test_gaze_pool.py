"""Features of first views that are averaged with gaze as the weight of cells."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

import torch
from torch import nn
from torchvision.models.vision_transformer import VisionTransformer

from gazesim.train import Backbone, Contrastive, GazeTargetSettings, HeadSettings, ViewMaps, load_backbone
from gazesim.train.pretrain.gaze_pool import gaze_average
from train.loops import FRAMEWORKS, check_resumed_equals_whole, fit, make_study, small
from train.pretrain.test_gaze_target_training import data_of, some_batch

HALF = [True, False] * 4


def by_loop(outputs, gaze_maps, valid):
    """The features as the docstring states them, cell by cell."""
    images, depth, height, width = outputs.shape
    tall, wide = gaze_maps.shape[2] // height, gaze_maps.shape[3] // width
    found = np.zeros((images, depth))
    for image in range(images):
        gaze = np.zeros((height, width))
        for row in range(height):
            for column in range(width):
                block = gaze_maps[
                    image, 0, row * tall : (row + 1) * tall, column * wide : (column + 1) * wide
                ]
                gaze[row, column] = float(block.mean())
        for row in range(height):
            for column in range(width):
                weight = 1 / (height * width)
                if valid[image] and gaze.sum() > 0:
                    weight = 0.9 * gaze[row, column] / gaze.sum() + 0.1 * weight
                found[image] += weight * outputs[image, :, row, column].numpy()
    return torch.from_numpy(found)


def test_features_equal_a_loop():
    draws = torch.Generator().manual_seed(0)
    outputs = torch.randn(4, 5, 3, 2, generator=draws, dtype=torch.float64)
    gaze_maps = torch.rand(4, 1, 12, 8, generator=draws, dtype=torch.float64) ** 4
    gaze_maps[0, 0, :8] = 0
    gaze_maps[1], gaze_maps[2] = torch.nan, 0.0  # no gaze, and a view in which nobody looked anywhere
    valid = torch.tensor([True, False, True, True])
    plain = outputs.mean(dim=(2, 3))
    found = gaze_average(outputs, plain, gaze_maps, valid)
    torch.testing.assert_close(found, by_loop(outputs, gaze_maps, valid), rtol=1e-12, atol=1e-14)
    assert found[1:3].equal(plain[1:3])


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_first_views_are_pooled_by_gaze_in_every_framework(framework):
    x0, x1, ids, maps = some_batch(valid=HALF)
    plain, model = small(framework), small(framework, gaze_pool=True)
    outputs = small(framework).backbone.feature_maps(x0).detach()
    features = model.step((x0, x1, ids, maps)).features.detach()
    expected = by_loop(outputs, maps.first, maps.valid).float()
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-6)
    unchanged = plain.step((x0, x1, ids)).features.detach()
    assert features[~maps.valid].equal(unchanged[~maps.valid])
    assert not torch.allclose(features[maps.valid], unchanged[maps.valid], rtol=1e-3)


def test_the_second_views_are_pooled_plainly():
    x0, x1, ids, maps = some_batch(valid=HALF)
    model, same = small("simclr", gaze_pool=True), small("simclr")
    first = by_loop(same.backbone.feature_maps(x0).detach(), maps.first, maps.valid).float()
    head = same.framework.projector
    expected = same.framework.loss(head(first), head(same.backbone(x1)))
    found = model.step((x0, x1, ids, maps)).loss
    assert float(found.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


@pytest.mark.parametrize("framework", ["byol", "moco"])
def test_momentum_encoders_pool_plainly(framework):
    x0, x1, ids, maps = some_batch()
    model, found = small(framework, gaze_pool=True), []
    target = model.framework.target
    handles = [target[0].maps.register_forward_hook(lambda *given: found.append(given[-1].mean(dim=(2, 3))))]
    handles.append(target[0].register_forward_hook(lambda *given: found.append(given[-1])))
    model.step((x0, x1, ids, maps))
    assert len(found) == (4 if framework == "byol" else 2)
    assert all(mean.equal(features) for mean, features in zip(found[::2], found[1::2], strict=True))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_without_any_gaze_a_step_is_that_of_the_plain_framework(framework):
    batch = some_batch(valid=[False] * 8)
    batch[3].first.fill_(torch.nan)
    plain, model = small(framework), small(framework, gaze_pool=True)
    expected, step = plain.step(batch[:3]), model.step(batch)
    assert step.loss.equal(expected.loss)
    expected.loss.backward()
    step.loss.backward()
    for mine, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        assert (mine.grad is None) == (theirs.grad is None)
        assert mine.grad is None or mine.grad.equal(theirs.grad)


def test_outside_of_a_step_features_are_plain():
    x0, x1, ids, maps = some_batch()
    model, plain = small("simclr", gaze_pool=True), small("simclr")
    model.step((x0, x1, ids, maps))
    plain.step((x0, x1, ids))
    assert model(x0).equal(plain(x0))
    assert not any(one._forward_hooks for one in model.modules())


def test_half_precision_is_summed_in_single():
    batch, features = some_batch(), []
    for is_half in (False, True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_half):
            features.append(small("simclr", gaze_pool=True).step(batch).features)
    assert features[1].dtype == torch.bfloat16
    torch.testing.assert_close(features[1].float(), features[0], rtol=0.05, atol=0.02)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("target", [None, GazeTargetSettings(balance="gradient")])
def test_every_framework_trains(framework, target, tmp_path):
    model = small(framework, gaze_pool=True, gaze_target=target)
    before = {name: value.clone() for name, value in model.backbone.named_parameters()}
    trainer = fit(model, None, data_of(), max_epochs=1)
    assert not any(one.equal(before[name]) for name, one in model.backbone.named_parameters())
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    about = torch.load(tmp_path / "last.ckpt", weights_only=True)["gazesim"]
    assert about["gaze_pool"] is True
    images = some_batch()[0]
    assert load_backbone(tmp_path)(images).equal(model.backbone.eval()(images))


def small_net():
    torch.manual_seed(1)
    return Backbone(nn.Sequential(nn.Conv2d(1, 8, 5, stride=4), nn.ReLU(inplace=True)), 8)


@pytest.mark.parametrize("framework", ["simclr", "moco"])
@pytest.mark.parametrize("step", [1, 6])
def test_a_training_resumed_from_any_step_equals_the_whole_one(tmp_path, step, framework):
    def make():
        more = {"queue_size": 32} if framework == "moco" else {}
        return Contrastive(framework, small_net(), heads=HeadSettings(64, dim=32), gaze_pool=True, **more)

    check_resumed_equals_whole(tmp_path, step, make, data_of)


def vit():
    return VisionTransformer(
        image_size=32, patch_size=8, num_layers=1, num_heads=2, hidden_dim=16, mlp_dim=32
    )


class OwnPooling(Backbone):
    """A backbone that takes the maximum over places."""

    def forward(self, images):
        return self.feature_maps(images).amax(dim=(2, 3))


@pytest.mark.parametrize("make", [vit, lambda: OwnPooling(nn.Conv2d(1, 8, 3), 8)])
def test_a_backbone_that_averages_no_maps_is_named(make):
    with pytest.raises(ValueError, match=r"the backbone is a .*which does not average feature maps"):
        Contrastive("simclr", make(), gaze_pool=True)


def test_a_module_that_returns_maps_is_taken():
    model = Contrastive("simclr", nn.Conv2d(1, 8, 4, stride=4), gaze_pool=True, heads=HeadSettings(8, dim=8))
    assert model.step(some_batch()).features.shape == (8, 8)


def test_the_framework_gaze_and_other_values_are_refused():
    with pytest.raises(ValueError, match="gaze_pool is True, and the framework gaze has no loss on features"):
        Contrastive("gaze", "resnet10-narrow", channels=1, gaze_pool=True)
    with pytest.raises(TypeError, match="gaze_pool is 'yes'; expected True or False"):
        small("simclr", gaze_pool="yes")


def test_data_without_maps_are_named():
    with pytest.raises(ValueError, match="gaze_pool needs the gaze maps of the views"):
        fit(small("simclr", gaze_pool=True), make_study(), max_epochs=1)


@pytest.mark.parametrize(
    ("side", "change", "message"),
    [
        (8, lambda maps: maps, "returns maps of one place for these images"),
        (32, lambda maps: maps[:, :, :1], "maps of at least as many rows and columns"),
        (32, lambda maps: -maps, "sample 0, row 0, column 0 is -.* expected a finite number of at least 0"),
    ],
)
def test_maps_that_cannot_be_weights_are_named(side, change, message):
    x0, x1, ids, maps = some_batch(side=side)
    with pytest.raises(ValueError, match=message):
        small("simclr", gaze_pool=True).step((x0, x1, ids, ViewMaps(change(maps.first), *maps[1:])))
