"""Backbones as people cut them, and weights as other tools name them."""

from __future__ import annotations

import warnings

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torchvision import models

from gazesim.train import Contrastive, HeadSettings, load_backbone
from gazesim.train.pretrain.backbones import as_backbone
from gazesim.train.pretrain.checkpoints import load_foreign

HEADS = HeadSettings(hidden=8, dim=4, predictor_hidden=8)


def resnet(fc=None):
    torch.manual_seed(0)
    net = models.resnet18()
    if fc is not None:
        net.fc = fc
    return net


def timm_model():
    return pytest.importorskip("timm").create_model("resnet18", pretrained=False)


def vit():
    return models.VisionTransformer(64, 16, num_layers=1, num_heads=2, hidden_dim=32, mlp_dim=32)


CUTS = {
    "whole": (resnet, 512),
    "identity": (lambda: resnet(nn.Identity()), 512),
    "mlp": (lambda: resnet(nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 128))), 512),
    "other classes": (lambda: resnet(nn.Linear(512, 7)), 512),
    "without fc": (lambda: nn.Sequential(*list(models.resnet18().children())[:-1]), 512),
    "without pooling": (lambda: nn.Sequential(*list(models.resnet18().children())[:-2]), 512),
    "flattened": (lambda: nn.Sequential(*list(models.resnet18().children())[:-1], nn.Flatten()), 512),
    "vit": (vit, 32),
    "timm": (timm_model, 512),
    "compiled": (lambda: torch.compile(resnet()), 512),
}


@pytest.mark.parametrize("name", CUTS)
def test_a_cut_network_trains_with_and_without_its_dim(name):
    make, dim = CUTS[name]
    images = torch.rand(4, 3, 64, 64)
    for given in (None, dim):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            model = Contrastive("byol", make(), dim=given, heads=HEADS)
        assert model.about["dim"] == dim
        assert model.backbone(images).shape == (4, dim)
        assert model.step((images, images, list("abcd"))).loss.isfinite()


def test_what_is_left_out_is_said():
    with pytest.warns(UserWarning, match="the fc of the ResNet, a Sequential, is left out"):
        as_backbone(resnet(nn.Sequential(nn.Linear(512, 8))), 3, None, None)
    with pytest.warns(UserWarning, match="backbone is compiled; its original module is taken"):
        as_backbone(torch.compile(resnet()), 3, None, None)


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 8, 8)

    def forward(self, images):
        return self.conv(images).flatten(2)


@pytest.mark.parametrize(
    ("make", "dim", "message"),
    [
        (resnet, 128, "dim is 128, and the features of the backbone have length 512"),
        (lambda: nn.Sequential(*list(models.resnet18().children())[:-1]), 7, "dim is 7, and the features"),
        (Tokens, None, r"backbone returned shape \(2, 8, 64\); expected features \(N, D\) or maps"),
        (nn.Flatten, None, "does not tell the length of its features; expected dim="),
    ],
)
def test_shapes_that_cannot_be_are_one_sentence(make, dim, message):
    with pytest.raises(ValueError, match=message):
        as_backbone(make(), 3, None, dim)


def test_a_wrong_dim_that_only_a_batch_shows_is_one_sentence():
    model = Contrastive("simsiam", nn.Flatten(), dim=10, heads=HEADS)
    x = torch.rand(2, 3, 8, 8)
    with pytest.raises(ValueError, match=r"backbone returned shape \(2, 192\) .* with D = 10"):
        model.step((x, x, ["a", "b"]))


def test_asking_for_the_length_leaves_the_network_as_it_is():
    net = nn.Sequential(*list(models.resnet18().children())[:-1])
    net[4].eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    modes = [one.training for one in net.modules()]
    state = torch.get_rng_state()
    as_backbone(net, 3, None, None)
    assert torch.get_rng_state().equal(state)
    assert [one.training for one in net.modules()] == modes
    assert all(value.equal(before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize(
    "start", ["", "backbone.", "module.", "module.encoder_q.", "_orig_mod.", "model.backbone._orig_mod."]
)
@pytest.mark.parametrize("backbone", ["resnet18", "module"])
def test_prefixes_of_other_tools(start, backbone, tmp_path):
    net = resnet().eval()
    file = tmp_path / "weights.pt"
    torch.save({"state_dict": {start + name: value for name, value in net.state_dict().items()}}, file)
    loaded = load_backbone(file, backbone if backbone == "resnet18" else models.resnet18(num_classes=4))
    net.fc = nn.Identity()
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(loaded(x), net(x))


def test_two_encoders_in_a_file_need_a_prefix(tmp_path):
    nets = {"encoder_q.": resnet(), "encoder_k.": models.resnet18()}
    state = {start + name: value for start, net in nets.items() for name, value in net.state_dict().items()}
    file = tmp_path / "moco.pt"
    torch.save(state, file)
    with pytest.raises(ValueError, match=r"under several prefixes \('encoder_k.', 'encoder_q.'\)"):
        load_backbone(file, "resnet18")
    loaded = load_backbone(file, "resnet18", prefix="encoder_q.")
    assert loaded.maps.conv1.weight.equal(nets["encoder_q."].conv1.weight)
    with pytest.raises(ValueError, match="holds all weights of the backbone under no prefix"):
        load_foreign(file, {"state_dict": state}, "resnet34", None)
    with pytest.raises(ValueError, match=r"not those of this backbone: \d+ missing"):
        load_backbone(file, "resnet34", prefix="encoder_q.")
