"""The maps of gaze heads: their scores and pictures, also by ``gazesim evaluate --saliency``."""

from __future__ import annotations

import csv

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

import torch

from gazesim import Scanpaths, saliency
from gazesim.cli import main
from gazesim.commands.evaluate_saliency import evaluate_saliency
from gazesim.saliency import UndefinedScoreWarning
from gazesim.train import (
    ArraySamples,
    Contrastive,
    GazeTargetSettings,
    Manifest,
    ManifestSamples,
    PhantomSettings,
    load_backbone,
)
from gazesim.train.evaluation.gaze_maps import (
    GazeNet,
    gaze_map_scores,
    load_gaze_net,
    plot_gaze_maps,
    with_gaze,
)


class Bright(torch.nn.Module):
    """A backbone whose feature map is the image at a quarter of its size."""

    dim = 1

    def __init__(self) -> None:
        super().__init__()
        self.maps = torch.nn.Conv2d(1, 1, 4, stride=4, bias=False)
        torch.nn.init.constant_(self.maps.weight, 1 / 16)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.maps(images).mean(dim=(2, 3))


@pytest.fixture
def spots():
    """Twelve images with a bright square where people look, two readers each."""
    rng = np.random.default_rng(3)
    images, maps, paths, ids = np.zeros((12, 32, 32), np.float32), np.zeros((12, 32, 32)), [], []
    for i, (x, y) in enumerate(rng.integers(0, 7, (12, 2)) * 4):
        images[i, y : y + 4, x : x + 4] = 1
        maps[i, y : y + 4, x : x + 4] = 1
        for reader in ("a", "b"):
            paths.append([[x + 1.5, y + 1.5, 0.3], [x + 2.5, y + 2.5, 0.2]])
            ids.append((str(i), reader))
    gaze = Scanpaths.from_list(paths, ids=ids, screen_size=(32, 32))
    labels = list(map(int, np.arange(12) % 2))
    return ArraySamples(images, labels, heatmaps=maps, scanpaths=gaze, ids=[str(i) for i in range(12)])


def head_of(loss, sign=1.0):
    model = Contrastive("gaze", Bright(), channels=1)
    with torch.no_grad():
        model.gaze_head.head.weight.fill_(8.0 * sign)
        model.gaze_head.head.bias.fill_(-4.0 * sign)
    return GazeNet(model.backbone.eval(), model.gaze_head, loss)


@pytest.mark.parametrize("loss", ["bce", "mse", "kl", "nss"])
def test_a_head_that_is_right_and_one_that_is_wrong(spots, loss):
    right, wrong = gaze_map_scores(head_of(loss), spots), gaze_map_scores(head_of(loss, -1), spots)
    assert right["CC"].mean() > 0.7
    assert right["NSS"].mean() > 3
    assert right["AUC-Judd"].mean() > 0.98
    assert wrong["CC"].mean() < -0.2
    assert wrong["AUC-Judd"].mean() <= 0.5


def test_scores_are_those_of_the_library(spots):
    net = head_of("bce")
    maps = net.maps(torch.stack([spots.image(i) for i in range(12)])).numpy()
    found = gaze_map_scores(net, spots)
    true = np.stack([spots.gaze_map(i).numpy() for i in range(12)])
    np.testing.assert_allclose(found["CC"], saliency.cc(maps, true), rtol=1e-6)
    x, y = np.argwhere(true[4] > 0)[0][::-1]
    z = (maps[4] - maps[4].mean()) / maps[4].std()
    # Both readers fixated the same two pixels, which count once.
    expected = (z[int(y + 1.5), int(x + 1.5)] + z[int(y + 2.5), int(x + 2.5)]) / 2
    assert found["NSS"][4] == pytest.approx(expected, rel=1e-5)


def test_gaze_is_asked_for(spots):
    with pytest.raises(ValueError, match="none of 12 images has gaze on it; expected some"):
        gaze_map_scores(head_of("bce"), ArraySamples(np.zeros((12, 32, 32), np.float32), [0] * 12))


@pytest.fixture
def mixed(tmp_path):
    """A manifest of one image with fixations, an empty map, fixations far off, and a map alone."""
    np.save(tmp_path / "image.npy", np.random.default_rng(4).random((32, 32)).astype(np.float32))
    np.save(tmp_path / "empty.npy", np.zeros((32, 32)))
    np.save(tmp_path / "map.npy", np.eye(32))
    (tmp_path / "gaze.csv").write_text("image_id,x,y,duration\na,12,20,0.5\nfar,4500,20,0.5\n")
    rows = ("a,image.npy,test,gaze.csv,", "empty,image.npy,test,,empty.npy")
    rows += ("far,image.npy,test,gaze.csv,", "map,image.npy,test,,map.npy")
    (tmp_path / "m.csv").write_text("\n".join(["id,image,split,gaze,heatmap", *rows, ""]))
    return tmp_path / "m.csv"


def test_gaze_beside_the_image_is_none_and_maps_have_no_fixations(mixed):
    samples = ManifestSamples(Manifest.read(mixed), size=32)
    assert with_gaze(samples) == [0, 3]
    scores = gaze_map_scores(head_of("bce"), samples)
    assert list(scores) == ["CC", "KL", "SIM", "NSS", "AUC-Judd"]
    assert [np.isnan(one).tolist() for one in scores.values()] == [[False] * 2] * 3 + [[False, True]] * 2
    alone = gaze_map_scores(head_of("bce"), samples.take([0]))
    for name, values in scores.items():
        assert values[0] == alone[name][0], name
    assert list(gaze_map_scores(head_of("bce"), samples.take([3]))) == ["CC", "KL", "SIM"]


def test_a_picture_shows_gaze_mask_and_maps(spots, tmp_path):
    from PIL import Image

    masks = [spots.gaze_map(i).numpy() > 0 for i in range(12)]
    plot_gaze_maps(
        {"a": head_of("bce"), "b": head_of("kl")}, spots, [0, 5], tmp_path / "with.png", masks=masks
    )
    plot_gaze_maps({"a": head_of("bce"), "b": head_of("kl")}, spots, [0, 5], tmp_path / "without.png")
    with Image.open(tmp_path / "with.png") as wide, Image.open(tmp_path / "without.png") as narrow:
        assert wide.width == pytest.approx(narrow.width * 5 / 4, abs=2)
    with pytest.raises(ValueError, match="0 networks and 1 images are given"):
        plot_gaze_maps({}, spots, [0], tmp_path / "none.png")


@pytest.fixture
def runs(tmp_path):
    """A run with a gaze head and one without, and a configuration of the images."""
    lines = "data:\n  phantom: {n_train: 8, n_test: 6, size: 32}\n  size: 32\n  channels: 1\n"
    for name, framework in (("gaze", "gaze"), ("plain", "simclr")):
        torch.manual_seed(1)
        model = Contrastive(framework, "resnet10-narrow", channels=1)
        (tmp_path / name).mkdir()
        torch.save({"gazesim": model.about, "state_dict": model.state_dict()}, tmp_path / name / "last.ckpt")
        (tmp_path / name / "config.yaml").write_text(lines)
    return tmp_path


QUICK = ["--protocols", "knn", "--fractions", "1", "--maps", "0"]


def test_command(runs, capsys):
    words = ["evaluate", str(runs / "gaze"), str(runs / "plain"), "--out", str(runs / "out"), *QUICK]
    assert main([*words, "--saliency", "--saliency_maps", "2"]) == 0
    said = capsys.readouterr()
    assert "plain has no gaze head with maps, so that --saliency leaves it out" in said.err
    assert "gaze heads against gaze, the 6 of test:" in said.out
    with open(runs / "out" / "saliency.csv", encoding="utf-8") as file:
        rows = {row["metric"]: row for row in csv.DictReader(file)}
    net = load_gaze_net(runs / "gaze", load_backbone(runs / "gaze"))
    samples = PhantomSettings(n_train=8, n_test=6, size=32).samples()
    test = samples.take([i for i, split in enumerate(samples.splits) if split == "test"])
    known = gaze_map_scores(net, test)
    assert float(rows["CC"]["mean"]) == pytest.approx(np.nanmean(known["CC"]), abs=1e-5)
    assert set(rows) == {"CC", "KL", "SIM", "NSS", "AUC-Judd"}
    assert (runs / "out" / "gaze_maps.png").stat().st_size > 5_000


def test_the_command_says_which_images_have_no_gaze_on_them(runs, mixed, capsys):
    samples = ManifestSamples(Manifest.read(mixed), size=32)
    file, out = runs / "gaze" / "last.ckpt", str(runs / "out")
    with pytest.warns(UndefinedScoreWarning, match="NSS on 1 of 2"):
        evaluate_saliency({"gaze": [str(file)]}, {"gaze": [load_backbone(file)]}, samples, out, 9)
    said = capsys.readouterr().out
    assert "2 images whose gaze lies beside them or is empty are left out: empty, far" in said
    assert "(1 images)" in said
    assert "(2 images)" in said
    assert (runs / "out" / "gaze_maps.png").is_file()


def test_pictures_are_asked_for(runs, capsys):
    words = ["evaluate", str(runs / "gaze"), "--out", str(runs / "out"), *QUICK]
    assert main([*words, "--saliency"]) == 0
    assert not (runs / "out" / "gaze_maps.png").exists()
    assert main([*words, "--saliency_maps", "2"]) == 1
    assert "saliency_maps is 2 without saliency; expected both" in capsys.readouterr().err
    words[1] = str(runs / "plain")
    assert main([*words, "--saliency"]) == 1
    assert "no checkpoint has a gaze head with maps; expected one" in capsys.readouterr().err


def test_a_head_of_another_network_is_refused(runs):
    file = runs / "gaze" / "last.ckpt"
    held = torch.load(file, weights_only=True)
    held["state_dict"]["framework.gaze_head.head.weight"] = torch.zeros(1, 3, 1, 1)
    torch.save(held, file)
    with pytest.raises(ValueError, match="its gaze head does not fit its backbone; expected"):
        load_gaze_net(file, load_backbone(file))
    assert load_gaze_net(runs / "plain", load_backbone(runs / "plain")) is None
    cells = Contrastive("gaze", "resnet10-narrow", channels=1, gaze_target=GazeTargetSettings(loss="cells"))
    torch.save({"gazesim": cells.about, "state_dict": cells.state_dict()}, file)
    assert load_gaze_net(file, load_backbone(file)) is None  # its head has no maps
