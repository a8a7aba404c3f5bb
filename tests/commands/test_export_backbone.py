"""``gazesim export-backbone``: the other library's network gives the same features."""

from __future__ import annotations

import lightning
import pytest

pytest.importorskip("torch")

import torch
import torchvision
from torch import nn

from gazesim.cli import main
from gazesim.train import Contrastive, HeadSettings, load_backbone


def saved(folder, name, channels):
    """Leave a checkpoint with running statistics that are not those of a new network."""
    folder.mkdir()
    torch.manual_seed(3)
    heads = HeadSettings(hidden=8, dim=8)
    model = Contrastive("simclr", name, channels=channels, heads=heads)
    model.backbone.train()
    with torch.no_grad():
        for _ in range(3):
            model.backbone(torch.rand(4, channels, 64, 64))
        model.backbone.mean.add_(0.25)
        model.backbone.std.mul_(0.5)
    trainer = lightning.Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, enable_model_summary=False
    )
    trainer.strategy.connect(model)
    trainer.save_checkpoint(folder / "last.ckpt", weights_only=True)
    return folder


@pytest.fixture(scope="module", params=[1, 3])
def run(request, tmp_path_factory):
    return saved(tmp_path_factory.mktemp("exports") / f"run{request.param}", "resnet18", request.param)


def images(net, count=2):
    return torch.rand(count, net.mean.shape[0], 72, 64)


@pytest.mark.parametrize("to", ["torchvision", "timm", "lightly"])
def test_the_printed_recipe_gives_the_same_features(run, to, tmp_path, capsys):
    if to == "timm":
        pytest.importorskip("timm")
    out = tmp_path / "weights.pt"
    assert main(["export-backbone", str(run), "--to", to, "--out", str(out)]) == 0
    recipe = capsys.readouterr().out
    names = {}
    exec(recipe, names)
    mine, theirs = load_backbone(run), names["net"].eval()
    x = images(mine)
    with torch.no_grad():
        found = theirs((x - mine.mean) / mine.std).flatten(1)
        torch.testing.assert_close(found, mine(x), rtol=1e-5, atol=1e-5)
    assert "mean [0.25" in recipe


def test_onnx_takes_images_of_any_number_and_size(run, tmp_path, capsys):
    pytest.importorskip("onnx")
    reference = pytest.importorskip("onnx.reference")
    out = tmp_path / "backbone.onnx"
    assert (
        main(["export-backbone", str(run / "last.ckpt"), "--to", "onnx", "--size", "64", "--out", str(out)])
        == 0
    )
    mine = load_backbone(run)
    x = images(mine, 3)
    (found,) = reference.ReferenceEvaluator(str(out)).run(None, {"images": x.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(found), mine(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", "tf"], '--to is \'tf\'; expected "torchvision", "timm", "lightly" or "onnx"'),
        (["--out", "{folder}/no/where.pt"], "is no folder; expected one that is there"),
        (["--to", "onnx", "--size", "2"], "size is 2; expected at least 8 pixels"),
        (["--to", "timm"], "holds 'resnet10-narrow', which timm does not have; expected --to onnx"),
    ],
)
def test_mistakes_get_one_sentence(words, message, tmp_path, capsys):
    folder = saved(tmp_path / "narrow", "resnet10-narrow", 1)
    assert main(["export-backbone", str(folder), *(word.format(folder=folder) for word in words)]) == 1
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1
    assert not list(folder.glob("backbone*"))


def test_a_torchvision_network_of_a_users_own_loads_the_weights(run, tmp_path):
    out = tmp_path / "weights.pt"
    assert main(["export-backbone", str(run), "--out", str(out)]) == 0
    net = torchvision.models.resnet18()
    state = torch.load(out, weights_only=True)
    if state["conv1.weight"].shape[1] != 3:
        net.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    result = net.load_state_dict(state, strict=False)
    assert result.missing_keys == ["fc.weight", "fc.bias"]
    assert result.unexpected_keys == []
