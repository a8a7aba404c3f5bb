"""Backbones by name and as modules, and their way back from checkpoints."""

from __future__ import annotations

import pytest

pytest.importorskip("gazesim.train")

import torch
import torchvision
from torch import nn

from gazesim.train import Backbone, Contrastive, load_backbone, make_backbone
from gazesim.train.pretrain import backbones
from train.loops import fit, make_study, plain_net, small


@pytest.mark.parametrize(("name", "dim"), [("resnet18", 512), ("resnet10-narrow", 128)])
@pytest.mark.parametrize("channels", [1, 3])
def test_backbones_by_name(name, dim, channels):
    backbone = make_backbone(name, channels=channels).eval()
    images = torch.rand(2, channels, 64, 64)
    with torch.no_grad():
        features, maps = backbone(images), backbone.feature_maps(images)
    assert features.shape == (2, dim)
    assert backbone.dim == dim
    torch.testing.assert_close(maps.mean(dim=(2, 3)), features)


def test_every_resnet_of_torchvision_is_known():
    names = backbones.backbone_names()
    assert {"resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide_resnet50_2"} <= set(names)
    assert all(name == "resnet10-narrow" or name in torchvision.models.list_models() for name in names)


def imagenet_like(name):
    torch.manual_seed(0)
    return torchvision.models.get_model(name, weights=None).state_dict()


def test_imagenet_weights_see_what_they_expect(monkeypatch):
    monkeypatch.setattr(backbones, "_imagenet", imagenet_like)
    images = torch.rand(2, 3, 64, 64)
    original = torchvision.models.resnet18(weights=None)
    original.load_state_dict(imagenet_like("resnet18"))
    original.fc = nn.Identity()
    prepare = torchvision.transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    with torch.no_grad():
        expected = original.eval()(prepare(images))
        found = make_backbone("resnet18", weights="imagenet").eval()(images)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_a_grey_first_layer_answers_as_for_copies(monkeypatch):
    """But for the three means and deviations of ImageNet, which a grey image has one of."""
    monkeypatch.setattr(backbones, "_imagenet", imagenet_like)
    grey = make_backbone("resnet18", channels=1, weights="imagenet").eval()
    colour = make_backbone("resnet18", weights="imagenet").eval()
    colour.mean, colour.std = grey.mean.expand(3, 1, 1), grey.std.expand(3, 1, 1)
    image = torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(grey(image), colour(image.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-5)


def test_missing_imagenet_weights_are_told(monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", refuse)
    with pytest.raises(OSError, match=r"no route to host.*resnet18-\w+.pth in .*checkpoints"):
        make_backbone("resnet18", weights="imagenet")
    with pytest.raises(ValueError, match="there are none for 'resnet10-narrow'"):
        make_backbone("resnet10-narrow", weights="imagenet")


def test_a_torchvision_resnet_loses_its_classifier():
    model = small("simclr", backbone=torchvision.models.resnet18(weights=None))
    assert isinstance(model.backbone, Backbone)
    assert model.backbone.dim == 512


# --- checkpoints ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A checkpoint of a backbone by name, and its answer to an image."""
    folder = tmp_path_factory.mktemp("run")
    model = small("byol")
    fit(model, make_study(32), max_epochs=1).save_checkpoint(folder / "last.ckpt", weights_only=False)
    image = torch.rand(3, 1, 32, 32)
    with torch.no_grad():
        return folder, image, model.eval().backbone(image)


@pytest.mark.parametrize("named", [None, "resnet10-narrow", "module"])
def test_a_backbone_comes_back(trained, named):
    folder, image, expected = trained
    backbone = make_backbone("resnet10-narrow", channels=1) if named == "module" else named
    with torch.no_grad():
        for source in (folder, folder / "last.ckpt"):
            loaded = load_backbone(source, backbone)
            assert loaded(image).equal(expected)
            assert not loaded.training


@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_from_imagenet_weights_comes_back(channels, tmp_path, monkeypatch):
    monkeypatch.setattr(backbones, "_imagenet", imagenet_like)
    model = Contrastive("simclr", "resnet18", channels=channels, weights="imagenet").eval()
    checkpoint = {"state_dict": model.state_dict()}
    model.on_save_checkpoint(checkpoint)
    torch.save(checkpoint, tmp_path / "last.ckpt")
    image = torch.rand(1, channels, 32, 32)
    with torch.no_grad():
        assert load_backbone(tmp_path)(image).equal(model.backbone(image))


def test_a_module_comes_back_into_a_module(tmp_path):
    model = small("simsiam", backbone=plain_net())
    fit(model, make_study(32), max_epochs=1).save_checkpoint(tmp_path / "last.ckpt", weights_only=False)
    other = plain_net()
    for weight in other.parameters():
        nn.init.zeros_(weight)
    image = torch.rand(2, 1, 32, 32)
    assert load_backbone(tmp_path, other)(image).equal(model.backbone(image))
    with pytest.raises(ValueError, match="a module without a name; expected backbone=that module"):
        load_backbone(tmp_path)


def test_wrong_checkpoints_are_named(trained, tmp_path):
    folder, *_ = trained
    with pytest.raises(FileNotFoundError, match=r"nowhere does not exist; expected a checkpoint"):
        load_backbone(tmp_path / "nowhere")
    (tmp_path / "text.ckpt").write_text("no checkpoint")
    with pytest.raises(ValueError, match=r"text.ckpt is not a checkpoint of tensors"):
        load_backbone(tmp_path / "text.ckpt")
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    with pytest.raises(ValueError, match=r"not a checkpoint of gazesim pretrain; it holds \['state_dict'\]"):
        load_backbone(tmp_path / "other.ckpt")
    whole = (folder / "last.ckpt").read_bytes()
    (tmp_path / "cut.ckpt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"cut.ckpt is not a checkpoint"):
        load_backbone(tmp_path / "cut.ckpt")
    with pytest.raises(ValueError, match=r"backbone is 'resnet18', but .* holds 'resnet10-narrow'"):
        load_backbone(folder, "resnet18")
    with pytest.raises(ValueError, match=r"not those of this backbone: \d+ missing, such as"):
        load_backbone(folder, make_backbone("resnet18", channels=1))
    with pytest.raises(ValueError, match=r"3 of another shape, such as maps.0.0.weight"):
        load_backbone(folder, make_backbone("resnet10-narrow", channels=3))


def test_no_code_in_a_checkpoint_runs(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save({"gazesim": Trap(), "state_dict": {}}, tmp_path / "trap.ckpt")
    with pytest.raises(ValueError, match="not a checkpoint of tensors and plain values"):
        load_backbone(tmp_path / "trap.ckpt")
    assert not (tmp_path / "sprung").exists()


def test_weights_may_lie_in_a_file(tmp_path):
    """Those of torchvision by its names, whose classifier is left out; others are refused."""
    torch.manual_seed(3)
    original = torchvision.models.resnet18(weights=None).eval()
    file = tmp_path / "resnet18-0123abcd.pth"
    torch.save(original.state_dict(), file)
    found = make_backbone("resnet18", weights=str(file)).eval()
    images = torch.rand(2, 3, 64, 64)
    mean, std = (
        torch.tensor(one).reshape(-1, 1, 1) for one in (backbones.IMAGENET_MEAN, backbones.IMAGENET_STD)
    )
    original.fc = torch.nn.Identity()
    with torch.no_grad():
        torch.testing.assert_close(found(images), original((images - mean) / std), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match=r"does not hold torchvision's weights of resnet34: \d+ differ"):
        make_backbone("resnet34", weights=str(file))
    with pytest.raises(FileNotFoundError, match=r"weights is .nowhere\.pth., which is no file"):
        make_backbone("resnet18", weights="nowhere.pth")
    file.write_text("no tensors")
    with pytest.raises(ValueError, match="is no file of tensors"):
        make_backbone("resnet18", weights=str(file))
