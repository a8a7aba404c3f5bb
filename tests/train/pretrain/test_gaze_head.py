"""The gaze head on feature maps of ResNets and on patch tokens of ViTs."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

pytest.importorskip("gazesim.train")

import timm
import torch
from torch import nn
from torchvision import models
from torchvision.models.vision_transformer import VisionTransformer

from gazesim.train import Backbone, Contrastive, GazeTargetSettings, ViewMaps, make_backbone
from gazesim.train.pretrain.gaze_head import GazeHead, as_maps


def small_vit():
    return VisionTransformer(
        image_size=32, patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32
    )


def timm_vit():
    return timm.create_model(
        "vit_tiny_patch16_224", img_size=32, patch_size=8, depth=2, embed_dim=24, num_heads=2, num_classes=0
    )


def timm_registers():
    return timm.create_model(
        "vit_small_patch14_reg4_dinov2",
        img_size=32,
        patch_size=8,
        depth=2,
        embed_dim=24,
        num_heads=2,
        num_classes=0,
    )


@pytest.mark.parametrize(
    ("make", "side", "stage", "cells", "depth"),
    [
        (lambda: make_backbone("resnet10-narrow", channels=3), 64, "maps", 4, 128),
        (lambda: make_backbone("resnet18"), 64, "maps", 2, 512),
        (lambda: models.resnet18(), 64, "maps", 2, 512),
        (small_vit, 32, "encoder", 4, 16),
        (timm_vit, 32, None, 4, 24),
        (timm_registers, 32, None, 4, 24),
        (lambda: timm.create_model("resnet10t", num_classes=0), 64, None, 2, 512),
    ],
)
def test_the_last_map_is_the_default_stage(make, side, stage, cells, depth):
    model = Contrastive("gaze", make())
    assert stage in (None, model.gaze_head.stage)
    assert model.gaze_head.head.in_channels == depth
    assert model.gaze_logits(torch.rand(2, 3, side, side)).shape == (2, 1, cells, cells)
    maps = ViewMaps(*torch.rand(2, 2, 1, side, side), torch.ones(2, dtype=torch.bool))
    model.step((*torch.rand(2, 2, 3, side, side), ["a", "b"], maps)).loss.backward()
    assert all(one.grad is not None for one in model.gaze_head.parameters())


@pytest.mark.parametrize(
    ("make", "side", "stage", "cells"),
    [
        (lambda: make_backbone("resnet18"), 64, "maps.layer2", 8),
        (lambda: make_backbone("resnet18"), 64, "maps.conv1", 32),
        (small_vit, 32, "encoder.layers.encoder_layer_0", 4),
        (timm_vit, 32, "blocks.0", 4),
    ],
)
def test_any_stage_can_be_read(make, side, stage, cells):
    model = Contrastive("gaze", make(), gaze_target=GazeTargetSettings(stage=stage))
    assert model.gaze_logits(torch.rand(2, 3, side, side)).shape == (2, 1, cells, cells)


def test_tokens_lie_where_their_patches_were():
    """A ViT without attention or norms would say the patch's own mean: here tokens are made by hand."""
    grid = torch.arange(12.0).reshape(1, 1, 12)
    patches = torch.stack([grid[0, 0, :9], -grid[0, 0, :9]], dim=1)[None]
    tokens = torch.cat([torch.full((1, 2, 2), 99.0), patches], dim=1)
    assert as_maps(tokens, 2, is_channels_last=False)[0, 0].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert as_maps(torch.rand(1, 3, 4, 7), 0, is_channels_last=True).shape == (1, 7, 3, 4)


def test_patches_of_a_vit_are_in_reading_order():
    """One bright patch gives the largest change in its own token of the first layer's input."""
    net = small_vit().eval()
    head = GazeHead(net, GazeTargetSettings(stage="encoder.dropout"))
    dark, bright = torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    bright[:, :, 8:16, 24:32] = 1
    with head.watching(net) as seen, torch.no_grad():
        net(dark)
        net(bright)
    before, after = (as_maps(one, head.prefix_tokens, is_channels_last=False) for one in seen)
    change = (after - before).abs().sum(dim=1)[0]
    assert change.nonzero().tolist() == [[1, 3]]


def test_a_stage_that_runs_twice_in_a_call_gives_its_last_output_of_each_call():
    """The ReLU of a residual block runs after both convolutions; the second view had the wrong map."""
    net = make_backbone("resnet10-narrow", channels=1).eval()
    head = GazeHead(net, GazeTargetSettings(stage="maps.4.relu"))
    views = torch.rand(2, 2, 1, 64, 64)
    with head.watching(net) as seen, torch.no_grad():
        features = [net(view) for view in views]
    assert len(seen) == 2
    assert all(one.mean(dim=(2, 3)).equal(mean) for one, mean in zip(seen, features, strict=True))


@pytest.mark.parametrize("stage", ["maps.0.0", "maps.0.1", "maps.4.bn2", "maps.4.relu", "maps.2", "maps"])
def test_watching_changes_neither_features_nor_gradients(stage):
    """Also where the next layer changes the stage's output in place."""
    net = make_backbone("resnet10-narrow", channels=1)
    head = GazeHead(net, GazeTargetSettings(stage=stage))
    images, gradients, features = torch.rand(2, 1, 64, 64), [], []
    for is_watched in (False, True):
        net.zero_grad()
        with head.watching(net) if is_watched else nullcontext():
            features.append(net(images))
        features[-1].square().sum().backward()
        gradients.append([one.grad.clone() for one in net.parameters()])
    assert features[0].equal(features[1])
    assert all(one.equal(two) for one, two in zip(*gradients, strict=True))


def test_the_backbone_stays_as_it_was():
    net = make_backbone("resnet10-narrow", channels=1)
    state = {name: value.clone() for name, value in net.state_dict().items()}
    torch.manual_seed(3)
    before = torch.get_rng_state()
    head = GazeHead(net, GazeTargetSettings(stage="maps.1"))
    torch.set_rng_state(before)
    assert net.training
    assert not any(one._forward_hooks for one in net.modules())
    with head.watching(net):
        assert sum(len(one._forward_hooks) for one in net.modules()) == 1
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in net.modules())
    assert all(value.equal(state[name]) for name, value in net.state_dict().items())


def test_a_backbone_without_maps_is_named():
    net = nn.Sequential(nn.Flatten(), nn.Linear(64 * 64, 4))
    net.dim = 4
    with pytest.raises(ValueError, match="no module of the backbone, a Sequential, returns a map"):
        Contrastive("gaze", net)


def test_images_too_small_for_the_stage_are_named():
    model = Contrastive("gaze", Backbone(nn.Conv2d(1, 4, 32, stride=32), 4))
    with pytest.raises(ValueError, match="maps of one place for these images"):
        model.gaze_logits(torch.rand(1, 1, 32, 32))
