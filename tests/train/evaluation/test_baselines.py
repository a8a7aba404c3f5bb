"""Baselines: scratch differs by seed, ImageNet weights come from torchvision's source."""

from __future__ import annotations

from urllib.error import URLError

import pytest

pytest.importorskip("gazesim.train")

import torch
from torchvision.models import ResNet18_Weights, resnet18

from gazesim.train import Baseline, PhantomSettings, linear_probe


def test_scratch_differs_by_seed():
    scratch = Baseline("scratch", "resnet10-narrow", channels=1)
    first, same, other = (scratch(seed).state_dict()["maps.0.0.weight"] for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_torchs_generator_is_left_alone():
    torch.manual_seed(4)
    before = torch.get_rng_state()
    Baseline("scratch", "resnet10-narrow", channels=1)(7)
    assert torch.equal(torch.get_rng_state(), before)


def test_imagenet_weights_are_read_from_their_source(monkeypatch):
    torch.manual_seed(1)
    pretrained = resnet18().state_dict()
    asked = []

    def download(url, **options):
        asked.append((url, options))
        return pretrained

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", download)
    net = Baseline("imagenet", "resnet18")(0)
    ((url, options),) = asked
    assert url == ResNet18_Weights.IMAGENET1K_V1.url
    assert options["weights_only"]
    assert torch.equal(net.state_dict()["maps.layer4.1.conv2.weight"], pretrained["layer4.1.conv2.weight"])
    assert not net.training
    data = PhantomSettings(n_train=8, n_test=4, size=32).samples(channels=3)
    scores = linear_probe(net, data.take(range(8)), data.take(range(8, 12)))
    assert 0 <= scores[1.0]["ACC"] <= 1


def test_a_failed_download_gets_one_line(monkeypatch):
    def fail(*_, **__):
        raise URLError("no route to host")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    with pytest.raises(OSError, match=r"ImageNet weights of resnet18 could not be read.*no route") as raised:
        Baseline("imagenet", "resnet18")(0)
    assert "\n" not in str(raised.value)


def test_kinds_are_checked():
    with pytest.raises(ValueError, match=r'baselines is .random.; expected "scratch" or "imagenet"'):
        Baseline("random")
